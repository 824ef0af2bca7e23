"""The arms that operators declare: a TOML file that every scorer process follows.

    champion = "v1"                   # serves what no challenger has
    salt = "2026-11"                  # optional: another one deals the queries anew

    [arms.v1]
    url = "http://ranker-v1:8101"     # replicas by commas or as a list; without it the settings' ranker.url
    bundle = "bundles/v1"             # beside this file, or absolute; without it the settings' ranker.bundle

    [arms.v2]
    url = "http://ranker-v2:8101"
    bundle = "bundles/v2"
    share = 0.1                       # of the queries, where it is not the champion
    shadow = 0.05                     # of the champion's calls, scored a second time for comparison

An arm with neither share nor shadow stands by: opened, verified, ready to be named champion. Share and shadow of the
champion itself say nothing, so a challenger is promoted by changing one line.
"""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigurationError

__all__ = ["DEFAULT_ARM", "MAX_ARMS", "ArmConfig", "Declaration", "parse_declaration"]

DEFAULT_ARM = "champion"
"""Name of the only arm where no file declares any."""
MAX_ARMS = 4
"""An arm has a tokenizer and connections of its own, and its name is a label of metrics."""

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmConfig:
    """What an arm is. Another value is another arm, opened beside the old one; how much it serves is no part of it.

    Attributes:
        name: In answers, metrics and cache keys.
        url: Of its engine, replicas by commas; empty: the one of the settings.
        bundle: Directory of its bundle. Never changed in place: another model has another directory.
        served_name: Model name sent with requests; None: as in the settings.
        kind: What serves; None: as in the settings.
        tolerance: Largest accepted difference of a canary's score; None: as in the settings.
    """

    name: str = DEFAULT_ARM
    url: str = ""
    bundle: Path
    served_name: str | None = None
    kind: Literal["auto", "local", "sglang", "vllm"] | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who is to serve.

    Attributes:
        champion: Serves what the challenger does not.
        challenger: Serves a share of the queries; None: there is none.
        share: Its share, in [0, 1].
        shadows: Arms that score a share of the champion's calls for comparison, with that share.
        standbys: Opened and verified, and asked nothing.
        salt: Of the assignment.
    """

    champion: ArmConfig
    challenger: ArmConfig | None = None
    share: float = 0.0
    shadows: tuple[tuple[ArmConfig, float], ...] = ()
    standbys: tuple[ArmConfig, ...] = ()
    salt: str = ""

    @property
    def arms(self) -> tuple[ArmConfig, ...]:
        """All of them, each once, the champion first."""
        challengers = () if self.challenger is None else (self.challenger,)
        shadows = (arm for arm, _ in self.shadows)
        return tuple(dict.fromkeys((self.champion, *challengers, *shadows, *self.standbys)))


def _joined(addresses: object) -> object:
    return ",".join(map(str, addresses)) if isinstance(addresses, list) else addresses


class _Arm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, BeforeValidator(_joined)] = ""
    bundle: Path | None = None
    served_name: str | None = None
    kind: Literal["auto", "local", "sglang", "vllm"] | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None
    share: Share = 0.0
    shadow: Share = 0.0


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    champion: str
    salt: str = ""
    arms: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")], _Arm],
        Field(min_length=1, max_length=MAX_ARMS),
    ]

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        if self.champion not in self.arms:
            raise ValueError(f"champion is {self.champion!r}, which is no arm: {', '.join(self.arms)}")
        sharing = [name for name, arm in self.arms.items() if arm.share and name != self.champion]
        if len(sharing) > 1:
            raise ValueError(f"{' and '.join(sharing)} each have a share: one arm beside the champion may have one")
        return self


def parse_declaration(text: str, folder: Path, settings_arm: ArmConfig) -> Declaration:
    """The declaration of a file.

    Args:
        text: Its content.
        folder: Where it lies: bundles are named from there.
        settings_arm: The arm of the settings; its bundle and address are taken where an arm names none.

    Raises:
        ConfigurationError: It does not fit; the message says where.
    """
    try:
        content = _File.model_validate(tomllib.loads(text))
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors())
        raise ConfigurationError("; ".join(lines)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"it is not TOML: {error}") from error
    return _declared(content, folder, settings_arm)


def _declared(content: _File, folder: Path, settings_arm: ArmConfig) -> Declaration:
    arms = {name: _config_of(name, arm, folder, settings_arm) for name, arm in content.arms.items()}
    others = [name for name in arms if name != content.champion]
    challenger = next((name for name in others if content.arms[name].share), None)
    return Declaration(
        champion=arms[content.champion],
        challenger=arms[challenger] if challenger else None,
        share=content.arms[challenger].share if challenger else 0.0,
        shadows=tuple((arms[name], share) for name in others if (share := content.arms[name].shadow)),
        standbys=tuple(arms[name] for name in others if not (content.arms[name].share or content.arms[name].shadow)),
        salt=content.salt,
    )


def _config_of(name: str, arm: _Arm, folder: Path, settings_arm: ArmConfig) -> ArmConfig:
    return replace(
        settings_arm,
        name=name,
        url=arm.url or settings_arm.url,
        bundle=folder / arm.bundle if arm.bundle else settings_arm.bundle,
        served_name=arm.served_name,
        kind=arm.kind,
        tolerance=arm.tolerance,
    )
