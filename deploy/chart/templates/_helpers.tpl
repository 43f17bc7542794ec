{{/* What the pods are found by; it must never change. */}}
{{- define "slipway.selector" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "slipway.image" -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end }}

{{/* A setting's value as text. (Numbers are floats here, and 5000000 would be written as 5e+06.) */}}
{{- define "slipway.text" -}}
{{ if kindIs "string" . }}{{ . | quote }}{{ else }}{{ . | int64 | toString | quote }}{{ end }}
{{- end }}

{{/* The path of the service's address without a slash at its end; empty for the root. */}}
{{- define "slipway.path" -}}
{{ if ne .Values.expose.kind "none" }}{{ .Values.expose.path | trimSuffix "/" }}{{ end }}
{{- end }}

{{/*
What the schema cannot say, since it is about several values at once: every mistake is one line.
The deployment includes this, so that nothing is rendered while there is one.
*/}}
{{- define "slipway.check" -}}
{{- $problems := list -}}
{{- $v := .Values -}}
{{- $files := $v.access.files -}}
{{- $replicas := ternary $v.autoscaling.min $v.autoscaling.max (eq $v.autoscaling.metric "none") -}}
{{- if not $v.image.repository -}}
{{- $problems = append $problems "image.repository is empty; expected the image without its digest, as in --set image.repository=registry.example.com/slipway" -}}
{{- end -}}
{{- if not $v.image.digest -}}
{{- $problems = append $problems "image.digest is empty; expected sha256: and 64 digits, as `make push` prints it" -}}
{{- end -}}
{{- if gt (int $v.autoscaling.min) (int $v.autoscaling.max) -}}
{{- $problems = append $problems (printf "autoscaling.min is %d, more than autoscaling.max (%d)" (int $v.autoscaling.min) (int $v.autoscaling.max)) -}}
{{- end -}}
{{- if and (eq $v.autoscaling.metric "requests") (not $v.monitor.enabled) -}}
{{- $problems = append $problems "autoscaling.metric is \"requests\", which Prometheus has to read; set monitor.enabled, or use \"cpu\"" -}}
{{- end -}}
{{- if and $files (not $v.access.secret) -}}
{{- $problems = append $problems "access.files names entries of a Secret, but access.secret is empty; expected its name" -}}
{{- end -}}
{{- if and (or (hasKey $files "SLIPWAY_PASSWORD_FILE") (hasKey $v.settings "SLIPWAY_OIDC_ISSUER")) (gt (int $replicas) 1) -}}
{{- if not (or (hasKey $files "SLIPWAY_SESSION_SECRET_FILE") (hasKey $v.secretSettings "SLIPWAY_SESSION_SECRET")) -}}
{{- $problems = append $problems "people log in, but replicas would not know each other's sessions; name the secret that signs them in access.files.SLIPWAY_SESSION_SECRET_FILE" -}}
{{- end -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (not $v.networkPolicy.callers) -}}
{{- $problems = append $problems "networkPolicy.callers is empty, so that nobody could call; expected the namespaces of proxies, as in [ingress-nginx]" -}}
{{- end -}}
{{- range $name := list "SLIPWAY_OIDC_ISSUER" "SLIPWAY_REQUEST_LOG" -}}
{{- if and (or (hasKey $v.settings $name) (hasKey $v.secretSettings $name)) $v.networkPolicy.enabled (not $v.networkPolicy.egress) -}}
{{- $problems = append $problems (printf "%s is set, but networkPolicy.egress is empty, so that the service reaches nobody; expected the rules that let it" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $v.settings -}}
{{- if regexMatch "://[^/@]*:[^/@]*@" (toString $value) -}}
{{- $problems = append $problems (printf "settings.%s holds a password; put it into a Secret, and its name and key into secretSettings.%s" $name $name) -}}
{{- end -}}
{{- if hasKey $v.secretSettings $name -}}
{{- $problems = append $problems (printf "%s is in settings and in secretSettings; expected it in one of them" $name) -}}
{{- end -}}
{{- end -}}
{{- if ne $v.expose.kind "none" -}}
{{- if not $v.expose.host -}}
{{- $problems = append $problems (printf "expose.kind is %q, but expose.host is empty; expected a name such as ml.example.org" $v.expose.kind) -}}
{{- end -}}
{{- if and (eq $v.expose.kind "ingress") (not $v.expose.ingress.tlsSecret) -}}
{{- $problems = append $problems "expose.ingress.tlsSecret is empty; expected the Secret with the certificate, as the page is served by TLS alone" -}}
{{- end -}}
{{- if and (eq $v.expose.kind "gateway") (not $v.expose.gateway.name) -}}
{{- $problems = append $problems "expose.gateway.name is empty; expected the name of a Gateway" -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (join "\n" $problems) -}}
{{- end -}}
{{- end }}
