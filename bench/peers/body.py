"""What every peer takes: the body of `POST /predict`, as a person would type it with pydantic.

They answer a plain list of numbers: the least, so that no peer is made slower than it need be.
"""

from typing import Literal

from pydantic import BaseModel


class Record(BaseModel):
    """One insured person."""

    age: int
    sex: Literal["female", "male"]
    bmi: float
    children: int
    smoker: Literal["no", "yes"]
    region: Literal["northeast", "northwest", "southeast", "southwest"]


class Body(BaseModel):
    """The records of one call."""

    records: list[Record]
