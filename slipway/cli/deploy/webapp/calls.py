"""The calls for one Web App, with a staging slot or without: those that read it and those that make it. Nothing here runs one.

There are two kinds of settings, and the whole design follows from them: some stay with the slot
when slots are swapped (access, TLS, identity), some move with the image (app settings, port,
health path, the image). What stays is set on both, before an image of ours is there. What moves
is only ever written to staging, and reaches production by the swap. Without a slot it is written
to production, which is stopped meanwhile.

Source: "Set up staging environments in Azure App Service", section "Which settings are
swapped?" (learn.microsoft.com/azure/app-service/deploy-staging-slots).
"""

import json
from collections.abc import Sequence

from slipway.cli.deploy.access import Entra
from slipway.cli.deploy.az import Call
from slipway.cli.deploy.calls import SharedCalls
from slipway.cli.deploy.config import WebApp
from slipway.cli.deploy.webapp.content import (
    PLACEHOLDER,
    PREVIOUS,
    address_rules,
    app_settings,
    diagnostics,
    health_path,
    scaling,
    sign_in,
)

REST_API = "2024-11-01"
DIAGNOSTICS_API = "2021-05-01-preview"
AUTOSCALE_API = "2022-10-01"


class Calls(SharedCalls):
    """Every call for one config; `slot` is None for production."""

    def __init__(self, config: WebApp) -> None:
        super().__init__(config)
        self.config = config

    def _site(self, slot: str | None) -> tuple[str, ...]:
        named = ("--resource-group", self.config.resource_group, "--name", self.config.app)
        return named + (("--slot", slot) if slot else ())

    def _where(self, slot: str | None) -> str:
        return slot or "production"

    def _url(self, slot: str | None, part: str, api: str = REST_API) -> str:
        return f"{self.config.app_id}{f'/slots/{slot}' if slot else ''}/{part}?api-version={api}"

    def _read_part(self, slot: str | None, part: str, what: str) -> Call:
        return self._rest("get", self._url(slot, part), f"read {what} of {self._where(slot)}")

    # What is read. None of it changes anything.

    def read_site(self, slot: str | None) -> Call:
        return self._call("webapp show", self._site(slot), f"read {self._where(slot)}", writes=False)

    def read_settings(self, slot: str | None) -> Call:
        does = f"read the app settings of {self._where(slot)}"
        return self._call("webapp config appsettings list", self._site(slot), does, writes=False)

    def read_sign_in(self, slot: str | None) -> Call:
        return self._read_part(slot, "config/authsettingsV2", "the sign-in")

    def read_passwords(self, slot: str | None) -> Call:
        return self._read_part(slot, "basicPublishingCredentialsPolicies", "the publishing passwords")

    def read_logs(self, slot: str | None) -> Call:
        return self._read_part(slot, "config/logs", "what is logged")

    def read_plan(self) -> Call:
        options = ("--resource-group", self.config.resource_group, "--name", self.config.plan)
        return self._call("appservice plan show", options, "read the plan", writes=False)

    def read_slots(self) -> Call:
        return self._call("webapp deployment slot list", self._site(None), "read which slots there are", writes=False)

    def read_diagnostics(self, slot: str | None) -> Call:
        part = "providers/Microsoft.Insights/diagnosticSettings/slipway"
        does = f"read what {self._where(slot)} sends to Log Analytics"
        return self._rest("get", self._url(slot, part, DIAGNOSTICS_API), does)

    def read_scaling(self) -> Call:
        return self._rest("get", self._scaling_url(), "read how the plan scales by itself")

    def _scaling_url(self) -> str:
        config = self.config
        return (
            f"{config.group_id}/providers/Microsoft.Insights/autoscalesettings/{config.plan}-scale"
            f"?api-version={AUTOSCALE_API}"
        )

    # What is there once. Each call may be repeated.

    def make_plan(self) -> Call:
        """Only for a plan that does not exist: for an existing one it would set the number of workers to 1."""
        config = self.config
        options = ("--resource-group", config.resource_group, "--name", config.plan, "--location", config.location)
        return self._call(
            "appservice plan create",
            (*options, "--is-linux", "--sku", config.sku),
            "make the plan, which is what costs money",
        )

    def resize_plan(self, workers: int) -> Call:
        """Size and number together: without the number, azure-cli 2.91 sets it to 1 here, too."""
        options = ("--resource-group", self.config.resource_group, "--name", self.config.plan)
        does = (
            f"set the plan to {self.config.sku} with {workers} instance{'s' * (workers > 1)}, which is what costs money"
        )
        return self._call(
            "appservice plan update", (*options, "--sku", self.config.sku, "--number-of-workers", str(workers)), does
        )

    def scale(self) -> Call:
        """Let the plan scale by itself as the config says, or no longer."""
        wanted = scaling(self.config)
        does = "let the plan scale by itself" if wanted["enabled"] else "let the plan no longer scale by itself"
        if not wanted["enabled"]:
            return self._rest("delete", self._scaling_url(), does)
        body = json.dumps({"location": self.config.location, "properties": wanted})
        return self._rest("put", self._scaling_url(), does, body)

    def domain(self) -> list[Call]:
        """The host name of the config, with a certificate that App Service makes and renews."""
        config = self.config
        group, host = ("--resource-group", config.resource_group), str(config.custom_domain)
        query = ("--query", "thumbprint", "--output", "tsv")
        return [
            self._call(
                "webapp config hostname add",
                (*group, "--webapp-name", config.app, "--hostname", host),
                f"let the app answer as {host}, for which its DNS records must be there",
            ),
            self._call(
                "webapp config ssl create",
                (*group, "--name", config.app, "--hostname", host, *query),
                f"make a certificate for {host}",
                gives="THUMBPRINT",
            ),
            self._call(
                "webapp config ssl bind",
                (
                    *group,
                    "--name",
                    config.app,
                    "--hostname",
                    host,
                    "--certificate-thumbprint",
                    "{THUMBPRINT}",
                    "--ssl-type",
                    "SNI",
                ),
                f"use it for {host}",
            ),
        ]

    def make_app(self) -> Call:
        """Only for an app that does not exist: it would replace a running image by the placeholder."""
        options = (
            *("--resource-group", self.config.resource_group, "--name", self.config.app, "--plan", self.config.plan),
            *("--container-image-name", PLACEHOLDER, "--https-only", "true", "--min-tls-version", "1.2"),
            *("--basic-auth", "Disabled"),
        )
        return self._call(
            "webapp create", options, "make the app, empty: Microsoft's static page until it gets an image"
        )

    def make_slot(self) -> Call:
        """Only for a slot that does not exist."""
        slot = self.config.slot
        return self._call("webapp deployment slot create", self._site(slot), f"make the slot {slot}, empty")

    # What stays with a slot when slots are swapped.

    def guards(self, slot: str | None) -> list[Call]:
        """Access, TLS and the log: everything that needs no identity. What restricts access comes first."""
        where, site = self._where(slot), self._site(slot)
        always = "false" if self.config.sku == "F1" else "true"
        rules = self._call(
            "webapp config set",
            (
                *(*site, "--generic-configurations", json.dumps(address_rules(self.config))),
                *("--always-on", always, "--ftps-state", "Disabled", "--http20-enabled", "true"),
                *("--min-tls-version", "1.2"),
            ),
            f"set which addresses reach {where} and its Kudu site; {'always on, ' * (always == 'true')}no FTP, HTTP/2, TLS 1.2",
        )
        body = json.dumps({"properties": sign_in(self.config)})
        entra = isinstance(self.config.access, Entra)
        does = f"switch the sign-in of {where} {'on' if entra else 'off'}"
        signed = self._rest("put", self._url(slot, "config/authsettingsV2"), does, body)
        return [
            *([signed, rules] if entra else [rules, signed]),
            self._call(
                "webapp update",
                # The page keeps no state in a server, so no request needs to return to the same one.
                (*site, "--https-only", "true", "--client-affinity-enabled", "false", "--basic-auth", "Disabled"),
                f"https only, no affinity cookie and no publishing password on {where}",
            ),
            self._call(
                "webapp log config",
                (*site, "--docker-container-logging", "filesystem"),
                f"keep what the container of {where} prints, for `az webapp log tail`",
            ),
            *([self.make_workspace(), self._send_logs(slot)] if self.config.logs == "log-analytics" else []),
        ]

    def _send_logs(self, slot: str | None) -> Call:
        url = self._url(slot, "providers/Microsoft.Insights/diagnosticSettings/slipway", DIAGNOSTICS_API)
        body = json.dumps({"properties": diagnostics(self.config)})
        return self._rest("put", url, f"send the logs of {self._where(slot)} to Log Analytics", body)

    def pulling(self, slot: str | None) -> list[Call]:
        """Pull the image with the identity, which must exist."""
        where, site = self._where(slot), self._site(slot)
        return [
            self._call(
                "webapp identity assign",
                (*site, "--identities", self.config.identity_id),
                f"give {where} the identity: neither a new slot nor a swap passes it on",
            ),
            self._call(
                "webapp config set",
                (*site, "--acr-use-identity", "true", "--acr-identity", self.config.identity_id),
                f"let {where} pull with the identity",
            ),
            *([self._secrets_with_the_identity(slot)] if self.config.secrets else []),
        ]

    def _secrets_with_the_identity(self, slot: str | None) -> Call:
        options = (*self._site(slot), "--set", f"keyVaultReferenceIdentity={self.config.identity_id}")
        return self._call("webapp update", options, f"let {self._where(slot)} read its secrets with the identity")

    # What moves with the image.

    def stage(self, production: str, kept: Sequence[str] = (), stale: Sequence[str] = ()) -> list[Call]:
        """Put the image into the slot, or into production where there is none.

        The site is stopped meanwhile: the old image must not answer in its place.

        Parameters
        ----------
        production : str
            The digest that production runs now, or "". It is recorded before the image changes: after
            a swap the slot holds this image, the only one that `rollback` accepts.
        kept : sequence of str
            App settings of production that are not in the config: the slot gets them as well, so that
            the swap does not lose them.
        stale : sequence of str
            App settings of the slot that production does not have: a swap would bring them there.

        Returns
        -------
        list of Call
        """
        slot = self.config.staging
        site, where = self._site(slot), self._where(slot)
        settings = json.dumps(app_settings(self.config))
        mark = ("--slot-settings", f"{PREVIOUS}={production or 'none'}")
        does = f"set port, warm-up and settings of {where}, and note what production runs now, for a rollback"
        calls = [self.stop(slot)]
        if stale:
            removed = f"remove from {where} what production does not have: {', '.join(stale)}"
            calls += [self._call("webapp config appsettings delete", (*site, "--setting-names", *stale), removed)]
        return [
            *calls,
            *(self._keep(slot, kept) if slot and kept else []),
            # As JSON, because `az` takes the @ of NAME=@Microsoft.KeyVault(…) for a file.
            self._call("webapp config appsettings set", (*site, "--settings", settings, *mark), does),
            self.put_image(self.config.image),
            self.start(slot),
        ]

    def _keep(self, slot: str, names: Sequence[str]) -> list[Call]:
        """Copy app settings from production to the slot; their values, perhaps secrets, are not printed."""
        listed = ", ".join(f"'{name}'" for name in names)
        query = f"[?contains([{listed}], name)].{{name: name, value: value, slotSetting: slotSetting}}"
        options = (*self._site(None), "--query", query, "--output", "json")
        does = f"read what was set by hand on production: {', '.join(names)}"
        return [
            self._call("webapp config appsettings list", options, does, writes=False, gives="SET_BY_HAND"),
            self._call(
                "webapp config appsettings set",
                (*self._site(slot), "--settings", "{SET_BY_HAND}"),
                f"set the same on {slot}, so that the swap does not lose it",
            ),
        ]

    def put_image(self, image: str) -> Call:
        """Give the site that gets an image first this one."""
        slot = self.config.staging
        # Not `config container set`, nor `--linux-fx-version`: with --slot, azure-cli 2.91 then
        # writes the app settings of production.
        content = {"linuxFxVersion": f"DOCKER|{image}"}
        if path := health_path(self.config):
            content["healthCheckPath"] = path
        return self._call(
            "webapp config set",
            (*self._site(slot), "--generic-configurations", json.dumps(content)),
            f"set the image of {self._where(slot)}, by digest, and the path that App Service asks each minute",
        )

    def forget_previous(self) -> Call:
        """After a rollback without a slot there is nothing to go back to."""
        options = (*self._site(None), "--slot-settings", f"{PREVIOUS}=none")
        return self._call("webapp config appsettings set", options, "note that there is no earlier image any more")

    def stop(self, slot: str | None) -> Call:
        return self._call(
            "webapp stop", self._site(slot), f"stop {self._where(slot)}, so that what answers later is the new image"
        )

    def start(self, slot: str | None) -> Call:
        return self._call("webapp start", self._site(slot), f"start {self._where(slot)}")

    def swap(self) -> Call:
        options = (*self._site(self.config.slot), "--target-slot", "production")
        return self._call("webapp deployment slot swap", options, f"swap {self.config.slot} and production")
