# access: public: EVERYBODY on the Internet can use the app and its staging slot

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

# make the plan, which is what costs money
az appservice plan create --resource-group slipway --name slipway-plan --location westeurope --is-linux --sku P0V3 --subscription 11111111-1111-1111-1111-111111111111

# make the app, empty: Microsoft's static page until it gets an image
az webapp create --resource-group slipway --name slipway-insurance --plan slipway-plan --container-image-name mcr.microsoft.com/appsvc/staticsite:latest --https-only true --min-tls-version 1.2 --basic-auth Disabled --subscription 11111111-1111-1111-1111-111111111111

# set which addresses reach production and its Kudu site; always on, no FTP, HTTP/2, TLS 1.2
az webapp config set --resource-group slipway --name slipway-insurance --generic-configurations '{"ipSecurityRestrictions": [], "ipSecurityRestrictionsDefaultAction": "Allow", "scmIpSecurityRestrictionsUseMain": true}' --always-on true --ftps-state Disabled --http20-enabled true --min-tls-version 1.2 --subscription 11111111-1111-1111-1111-111111111111

# switch the sign-in of production off
az rest --method put --url '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.Web/sites/slipway-insurance/config/authsettingsV2?api-version=2024-11-01' --body '{"properties": {"platform": {"enabled": false}, "globalValidation": {"requireAuthentication": false}}}' --subscription 11111111-1111-1111-1111-111111111111

# https only, no affinity cookie and no publishing password on production
az webapp update --resource-group slipway --name slipway-insurance --https-only true --client-affinity-enabled false --basic-auth Disabled --subscription 11111111-1111-1111-1111-111111111111

# keep what the container of production prints, for `az webapp log tail`
az webapp log config --resource-group slipway --name slipway-insurance --docker-container-logging filesystem --subscription 11111111-1111-1111-1111-111111111111

# give production the identity: neither a new slot nor a swap passes it on
az webapp identity assign --resource-group slipway --name slipway-insurance --identities /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull --subscription 11111111-1111-1111-1111-111111111111

# let production pull with the identity
az webapp config set --resource-group slipway --name slipway-insurance --acr-use-identity true --acr-identity /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull --subscription 11111111-1111-1111-1111-111111111111

# make the slot staging, empty
az webapp deployment slot create --resource-group slipway --name slipway-insurance --slot staging --subscription 11111111-1111-1111-1111-111111111111

# set which addresses reach staging and its Kudu site; always on, no FTP, HTTP/2, TLS 1.2
az webapp config set --resource-group slipway --name slipway-insurance --slot staging --generic-configurations '{"ipSecurityRestrictions": [], "ipSecurityRestrictionsDefaultAction": "Allow", "scmIpSecurityRestrictionsUseMain": true}' --always-on true --ftps-state Disabled --http20-enabled true --min-tls-version 1.2 --subscription 11111111-1111-1111-1111-111111111111

# switch the sign-in of staging off
az rest --method put --url '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.Web/sites/slipway-insurance/slots/staging/config/authsettingsV2?api-version=2024-11-01' --body '{"properties": {"platform": {"enabled": false}, "globalValidation": {"requireAuthentication": false}}}' --subscription 11111111-1111-1111-1111-111111111111

# https only, no affinity cookie and no publishing password on staging
az webapp update --resource-group slipway --name slipway-insurance --slot staging --https-only true --client-affinity-enabled false --basic-auth Disabled --subscription 11111111-1111-1111-1111-111111111111

# keep what the container of staging prints, for `az webapp log tail`
az webapp log config --resource-group slipway --name slipway-insurance --slot staging --docker-container-logging filesystem --subscription 11111111-1111-1111-1111-111111111111

# give staging the identity: neither a new slot nor a swap passes it on
az webapp identity assign --resource-group slipway --name slipway-insurance --slot staging --identities /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull --subscription 11111111-1111-1111-1111-111111111111

# let staging pull with the identity
az webapp config set --resource-group slipway --name slipway-insurance --slot staging --acr-use-identity true --acr-identity /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/slipway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull --subscription 11111111-1111-1111-1111-111111111111

# stop staging, so that what answers later is the new image
az webapp stop --resource-group slipway --name slipway-insurance --slot staging --subscription 11111111-1111-1111-1111-111111111111

# set port, warm-up and settings of staging, and note what production runs now, for a rollback
az webapp config appsettings set --resource-group slipway --name slipway-insurance --slot staging --settings '{"WEBSITES_PORT": "3000", "WEBSITES_CONTAINER_START_TIME_LIMIT": "600", "WEBSITES_ENABLE_APP_SERVICE_STORAGE": "false", "WEBSITE_WARMUP_PATH": "/readyz", "WEBSITE_WARMUP_STATUSES": "200", "WEBSITE_SWAP_WARMUP_PING_PATH": "/readyz", "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200"}' --slot-settings SLIPWAY_PREVIOUS=none --subscription 11111111-1111-1111-1111-111111111111

# set the image of staging, by digest, and the path that App Service asks each minute
az webapp config set --resource-group slipway --name slipway-insurance --slot staging --generic-configurations '{"linuxFxVersion": "DOCKER|slipwayregistry.azurecr.io/insurance@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "healthCheckPath": "/readyz"}' --subscription 11111111-1111-1111-1111-111111111111

# start staging
az webapp start --resource-group slipway --name slipway-insurance --slot staging --subscription 11111111-1111-1111-1111-111111111111

# wait until staging answers 200 at /readyz, at most 600 s

# swap staging and production
az webapp deployment slot swap --resource-group slipway --name slipway-insurance --slot staging --target-slot production --subscription 11111111-1111-1111-1111-111111111111
