# access: entra: people signed in to tenant 22222222-2222-2222-2222-222222222222; /readyz answers everybody, so that this machine can see when a revision is ready
# instances: min 0: with no requests nothing runs and nothing but storage and logs costs; the first caller afterwards waits until the image is pulled and the server is up

# make the resource group
az group create --name slipway --location westeurope --subscription 11111111-1111-1111-1111-111111111111

# make the identity that pulls the image
az identity create --resource-group slipway --name slipway-pull --location westeurope --subscription 11111111-1111-1111-1111-111111111111

# read the identity's principal ID
PRINCIPAL_ID=$(az identity show --resource-group slipway --name slipway-pull --query principalId --output tsv --subscription 11111111-1111-1111-1111-111111111111)

# read the registry's resource ID
REGISTRY_ID=$(az acr show --name slipwayregistry --output tsv --query id --subscription 11111111-1111-1111-1111-111111111111)

# read which role lets pull: another one in a registry with permissions by repository
ROLE=$(az acr show --name slipwayregistry --output tsv --query 'roleAssignmentMode == '"'"'AbacRepositoryPermissions'"'"' && '"'"'Container Registry Repository Reader'"'"' || '"'"'AcrPull'"'"'' --subscription 11111111-1111-1111-1111-111111111111)

# let the identity pull from the registry, and nothing else
az role assignment create --assignee-object-id "$PRINCIPAL_ID" --assignee-principal-type ServicePrincipal --role "$ROLE" --scope "$REGISTRY_ID" --subscription 11111111-1111-1111-1111-111111111111

# make the workspace that keeps the logs, which is billed by the gigabyte
az monitor log-analytics workspace create --resource-group slipway --workspace-name slipway-logs --location westeurope --subscription 11111111-1111-1111-1111-111111111111

# read the workspace's ID
WORKSPACE_ID=$(az monitor log-analytics workspace show --resource-group slipway --workspace-name slipway-logs --query customerId --output tsv --subscription 11111111-1111-1111-1111-111111111111)

# read the key with which the environment writes its logs there
WORKSPACE_KEY=$(az monitor log-analytics workspace get-shared-keys --resource-group slipway --workspace-name slipway-logs --query primarySharedKey --output tsv --subscription 11111111-1111-1111-1111-111111111111)

# make the environment that the app runs in, and send its logs to Log Analytics
az containerapp env create --resource-group slipway --name slipway-env --location westeurope --logs-destination log-analytics --logs-workspace-id "$WORKSPACE_ID" --logs-workspace-key "$WORKSPACE_KEY" --subscription 11111111-1111-1111-1111-111111111111

# make the app with its first revision, closed until the sign-in is on
az rest --method put --url '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.App/containerApps/slipway-insurance?api-version=2025-07-01' --body '{"location": "westeurope", "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull": {}}}, "properties": {"environmentId": "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.App/managedEnvironments/slipway-env", "configuration": {"activeRevisionsMode": "Multiple", "ingress": {"external": false, "targetPort": 3000, "transport": "auto", "allowInsecure": false, "ipSecurityRestrictions": [], "traffic": [{"latestRevision": true, "weight": 100}]}, "registries": [{"server": "slipwayregistry.azurecr.io", "identity": "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull"}]}, "template": {"containers": [{"name": "slipway", "image": "slipwayregistry.azurecr.io/insurance@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "env": [], "resources": {"cpu": 1.0, "memory": "2Gi"}, "probes": [{"type": "Startup", "httpGet": {"path": "/readyz", "port": 3000}, "periodSeconds": 10, "failureThreshold": 10, "timeoutSeconds": 3}, {"type": "Readiness", "httpGet": {"path": "/readyz", "port": 3000}, "periodSeconds": 5, "failureThreshold": 3, "timeoutSeconds": 3}, {"type": "Liveness", "httpGet": {"path": "/livez", "port": 3000}, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 3}]}], "scale": {"minReplicas": 0, "maxReplicas": 5, "rules": [{"name": "http", "http": {"metadata": {"concurrentRequests": "20"}}}]}, "revisionSuffix": "r4f4a6b9fd000"}}}' --subscription 11111111-1111-1111-1111-111111111111

# switch the sign-in on
az rest --method put --url '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.App/containerApps/slipway-insurance/authConfigs/current?api-version=2025-07-01' --body '{"properties": {"platform": {"enabled": true}, "globalValidation": {"unauthenticatedClientAction": "RedirectToLoginPage", "redirectToProvider": "azureactivedirectory", "excludedPaths": ["/readyz"]}, "identityProviders": {"azureActiveDirectory": {"enabled": true, "registration": {"clientId": "55555555-5555-5555-5555-555555555555", "openIdIssuer": "https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222/v2.0"}, "validation": {"allowedAudiences": ["55555555-5555-5555-5555-555555555555"]}}}}}' --subscription 11111111-1111-1111-1111-111111111111

# set who reaches the app, at which port, over TLS only, and how it pulls
az rest --method patch --url '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.App/containerApps/slipway-insurance?api-version=2025-07-01' --body '{"properties": {"configuration": {"activeRevisionsMode": "Multiple", "ingress": {"external": true, "targetPort": 3000, "transport": "auto", "allowInsecure": false, "ipSecurityRestrictions": []}, "registries": [{"server": "slipwayregistry.azurecr.io", "identity": "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull"}]}}}' --subscription 11111111-1111-1111-1111-111111111111

# wait until the revision answers 200 at /readyz, at most 400 s

# send all traffic to slipway-insurance--r4f4a6b9fd000
az containerapp ingress traffic set --resource-group slipway --name slipway-insurance --revision-weight slipway-insurance--r4f4a6b9fd000=100 --subscription 11111111-1111-1111-1111-111111111111
