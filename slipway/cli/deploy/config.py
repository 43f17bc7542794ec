"""What a deployment's YAML file may say: the fields of both targets, and those of each.

The file holds no secret and needs none: the image is pulled with a managed identity, and
secrets stay in Key Vault.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from slipway.cli.deploy.access import Access, Addresses, Strict, guid, like
from slipway.errors import SlipwayError, nearest

WITHOUT_SLOTS = ("F1", "B1", "B2", "B3")
"""Plans for containers on Linux that have no deployment slots."""

SKUS = (
    *("S1", "S2", "S3", "P1V2", "P2V2", "P3V2"),
    *("P0V3", "P1V3", "P2V3", "P3V3", "P1MV3", "P2MV3", "P3MV3", "P4MV3", "P5MV3"),
    *("P0V4", "P1V4", "P2V4", "P3V4", "P1MV4", "P2MV4", "P3MV4", "P4MV4", "P5MV4"),
)
"""Plans with deployment slots on Linux."""

_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_NAME}(/{_NAME})*"
"""Source: the OCI distribution specification, "Pulling manifests"."""
_IMAGE = re.compile(
    rf"(?P<host>[a-z0-9-]+\.azurecr\.io)/(?P<repository>{REPOSITORY})@(?P<digest>sha256:[0-9a-f]{{64}})"
)
_DOMAIN = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
_NOT_AZURE = r"(?!.*\.(azurewebsites\.net|azurecontainerapps\.io)$)"


class ConfigError(SlipwayError):
    """A deployment's YAML file cannot be used; `problems` has a line for each mistake."""

    def __init__(self, where: object, problems: list[str]) -> None:
        super().__init__("\n".join(f"{where}: {problem}" for problem in problems))
        self.problems = problems


def _app(longest: int) -> Any:
    return like(
        rf"(?!.*--)[a-z]([a-z0-9-]{{0,{longest - 2}}}[a-z0-9])"
        if longest < 60
        else r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])",
        f"2 to {longest} lower-case letters, digits and '-', with no '-' at the ends"
        + (", a letter first and no '--'" if longest < 60 else ""),
    )


class Config(Strict):
    """What both targets need, and who may reach the app."""

    subscription: Annotated[str, guid("`az account show --query id` prints it")]
    resource_group: Annotated[
        str,
        like(
            r"[A-Za-z0-9._()-]{0,89}[A-Za-z0-9_()-]",
            "up to 90 letters, digits, '.', '_', '-', '(' and ')', not '.' at the end",
        ),
    ]
    location: Annotated[
        str, like(r"[a-z]+[a-z0-9]*", "a region as `az account list-locations` names it, such as westeurope")
    ]
    registry: Annotated[str, like(r"[a-z0-9]{5,50}", "5 to 50 lower-case letters and digits, without '.azurecr.io'")]
    image: str
    app: str
    identity: Annotated[
        str,
        like(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", "3 to 128 letters, digits, '-' and '_', with a letter or digit first"),
    ] = "slipway-pull"
    port: int = Field(default=3000, ge=1, le=65535)
    health_path: Annotated[str, like(r"/(readyz|livez)", "/readyz or /livez")] = "/readyz"
    settings: dict[str, Any] = {}
    """Settings of the service, `SLIPWAY_…`, as texts. The module `settings` checks them."""
    secrets: dict[str, Any] = {}
    """Addresses of secrets in Key Vault, by the setting that gets their value."""
    custom_domain: Annotated[
        str | None,
        like(_NOT_AZURE + _DOMAIN, "a host name of yours such as ml.example.org"),
    ] = None
    workspace: Annotated[
        str,
        like(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]", "4 to 63 letters, digits and '-', with no '-' at the ends"),
    ] = "slipway-logs"
    access: Access

    @field_validator("image")
    @classmethod
    def _by_digest(cls, image: str, info: ValidationInfo) -> str:
        parts = _IMAGE.fullmatch(image)
        if not parts:
            raise ValueError(
                "expected NAME.azurecr.io/REPOSITORY@sha256:<64 hexadecimal digits>; "
                "a tag may change under a running app: use the digest that `make push` printed"
            )
        if not parts["digest"].removeprefix("sha256:").strip("0"):
            raise ValueError("that is the placeholder of the example; expected the digest that `make push` printed")
        registry = info.data.get("registry")
        # A registry may have a host with a hash, which keeps others from taking the name over.
        if registry and not re.fullmatch(rf"{registry}(-[a-z0-9]+)?\.azurecr\.io", parts["host"]):
            raise ValueError(f"expected an image in the registry {registry!r}, {registry}.azurecr.io/…")
        return image

    @field_validator("settings")
    @classmethod
    def _texts(cls, settings: dict[str, Any]) -> dict[str, str]:
        return {name: str(value) for name, value in settings.items()}

    @property
    def digest(self) -> str:
        """`sha256:…` of the image."""
        return self.image.partition("@")[2]

    @property
    def repository(self) -> str:
        """`NAME.azurecr.io/REPOSITORY`, without the digest."""
        return self.image.partition("@")[0]

    @property
    def group_id(self) -> str:
        """The resource ID of the group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    @property
    def identity_id(self) -> str:
        """The resource ID of the identity that pulls the image and reads the secrets."""
        return f"{self.group_id}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{self.identity}"

    @property
    def workspace_id(self) -> str:
        """The resource ID of the Log Analytics workspace."""
        return f"{self.group_id}/providers/Microsoft.OperationalInsights/workspaces/{self.workspace}"


class Autoscale(Strict):
    """Instances of a plan: one more above `cpu` percent on average, one fewer below half of it."""

    min: int = Field(ge=1, le=30)
    max: int = Field(ge=2, le=30)
    cpu: int = Field(default=70, ge=10, le=95)

    @model_validator(mode="after")
    def _grows(self) -> "Autoscale":
        if self.max <= self.min:
            raise ValueError("expected max above min; write `instances: N` for a fixed number")
        return self


Instances = Annotated[
    Annotated[int | None, Tag("number")] | Annotated[Autoscale, Tag("range")],
    Discriminator(lambda value: "range" if isinstance(value, (dict, Autoscale)) else "number"),
]


class Replicas(Strict):
    """Replicas of a container app: one for each `requests` requests at a time, at least `min`."""

    min: int = Field(default=0, ge=0, le=100)
    max: int = Field(default=5, ge=1, le=100)
    requests: int = Field(default=20, ge=1, le=1000)

    @model_validator(mode="after")
    def _grows(self) -> "Replicas":
        if self.max < self.min:
            raise ValueError("expected max not below min")
        return self


class WebApp(Config):
    """One Web App on a plan, with a staging slot or without."""

    target: Literal["webapp"] = "webapp"
    app: Annotated[str, _app(60)]
    plan: Annotated[str, like(r"[A-Za-z0-9-]{1,60}", "up to 60 letters, digits and '-'")] = "slipway-plan"
    slot: Annotated[
        str,
        like(
            r"(?!production$)[a-z0-9]([a-z0-9-]{0,17}[a-z0-9])?",
            "none, or up to 19 lower-case letters, digits and '-', other than production",
        ),
    ] = "staging"
    sku: str = Field(default="", validate_default=True)
    instances: Instances = None
    start_limit_seconds: int = Field(default=600, ge=10, le=1800)
    logs: Literal["files", "log-analytics"] = "files"

    @field_validator("sku")
    @classmethod
    def _known(cls, sku: str, info: ValidationInfo) -> str:
        staged = info.data.get("slot", "staging") != "none"
        if not sku:
            return "P0V3" if staged else "B1"
        if staged and sku in (*WITHOUT_SLOTS, "D1", "FREE", "SHARED"):
            raise ValueError(
                "this plan has no deployment slots; expected `slot: none` beside it, or P0V3 or larger with a slot"
            )
        known = SKUS if staged else (*WITHOUT_SLOTS, *SKUS)
        if sku not in known:
            raise ValueError(f"expected one of {', '.join(known)}{nearest(sku, known)}")
        return sku

    @field_validator("instances")
    @classmethod
    def _as_many_as_the_plan_takes(
        cls, instances: int | Autoscale | None, info: ValidationInfo
    ) -> int | Autoscale | None:
        sku = info.data.get("sku", "P0V3")
        most = 1 if sku == "F1" else 3 if sku in WITHOUT_SLOTS else 10 if sku.startswith("S") else 30
        if isinstance(instances, Autoscale) and sku in WITHOUT_SLOTS:
            raise ValueError(f"{sku} does not scale by itself; expected a number up to {most}, or a plan from S1 on")
        number = instances.max if isinstance(instances, Autoscale) else instances
        if number is not None and not 1 <= number <= most:
            raise ValueError(f"expected 1 to {most} with {sku}")
        return instances

    @model_validator(mode="after")
    def _has_a_domain(self) -> "WebApp":
        if self.custom_domain and self.sku == "F1":
            raise ValueError("custom_domain: F1 takes none; expected B1 or larger")
        return self

    @property
    def staging(self) -> str | None:
        """The slot that gets an image first; None where there is none."""
        return None if self.slot == "none" else self.slot

    @property
    def app_id(self) -> str:
        """The resource ID of the app."""
        return f"{self.group_id}/providers/Microsoft.Web/sites/{self.app}"

    @property
    def plan_id(self) -> str:
        """The resource ID of the plan."""
        return f"{self.group_id}/providers/Microsoft.Web/serverfarms/{self.plan}"


class ContainerApp(Config):
    """One container app: a revision for each image and setting, and traffic to one of them."""

    target: Literal["containerapp"]
    app: Annotated[str, _app(32)]
    environment: Annotated[
        str, like(r"[a-z][a-z0-9-]{0,58}[a-z0-9]", "2 to 60 lower-case letters, digits and '-', a letter first")
    ] = "slipway-env"
    cpu: float = 1.0
    instances: Replicas = Replicas()
    start_limit_seconds: int = Field(default=100, ge=10, le=1800)
    logs: Literal["log-analytics", "none"] = "log-analytics"

    @field_validator("cpu", mode="before")
    @classmethod
    def _of_the_consumption_plan(cls, cpu: Any) -> float:
        # Source: "Containers in Azure Container Apps", section "Configuration": memory is twice this in GiB.
        if isinstance(cpu, bool) or not isinstance(cpu, (int, float)) or cpu not in [n / 4 for n in range(2, 17)]:
            raise ValueError("expected 0.5 to 4 in steps of 0.25; memory is twice as much, in GiB")
        return float(cpu)

    @field_validator("access")
    @classmethod
    def _four(cls, access: Access) -> Access:
        if isinstance(access, Addresses) and any(":" in network for network in access.addresses):
            raise ValueError("Container Apps takes IPv4 ranges only; expected no range with ':'")
        return access

    @property
    def app_id(self) -> str:
        """The resource ID of the app."""
        return f"{self.group_id}/providers/Microsoft.App/containerApps/{self.app}"

    @property
    def environment_id(self) -> str:
        """The resource ID of the environment."""
        return f"{self.group_id}/providers/Microsoft.App/managedEnvironments/{self.environment}"
