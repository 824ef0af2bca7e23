"""The industry of a posting, of a closed list, so that a mix can be watched and a metric labelled. Pure.

Postings say it freely or not at all: in ``industry``, as an occupation code in ``occupationalCategory`` (the first two
digits of O*NET's and the SOC's are a major group), in words there, or only by their title. The first of these that is
understood decides. It need not be right for each posting, only the same for the same words.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from schemas.vocabulary import words

__all__ = ["Industry", "industry_of"]


class Industry(StrEnum):
    """What the catalogue is divided into."""

    EDUCATION = "education"
    HEALTH = "health"
    TECHNOLOGY = "technology"
    LOGISTICS = "logistics"
    TRADES = "trades"
    ENGINEERING = "engineering"
    HOSPITALITY = "hospitality"
    SALES = "sales"
    OFFICE = "office"
    OTHER = "other"
    """Nothing was understood."""


# In this order: "nursery nurse" teaches, "dental receptionist" is health, "warehouse manager" is logistics.
_STEMS: dict[Industry, str] = {
    Industry.EDUCATION: (
        "educat teach school classroom nursery child universit academ lectur tutor early.years learning.support"
    ),
    Industry.HEALTH: (
        "health hospital clinic medic nurs(?:e|ing) pharma dental dentist hygien therap physio radiograph radiolog "
        "surg doctor physician patient care(?:rs?|giver)?$ biomedic laborator veterin "
        "imaging patholog social.(?:work|care) support.(?:worker|assistant)"
    ),
    Industry.TECHNOLOGY: (
        "software developer devops frontend backend full.?stack server.?side web app$ mobile data machine.learning "
        "analytic statistic biostatistic geospatial gis$ scientist cloud cyber program tester site.reliability "
        "platform information.technology comput it$ qa test "
        "business.intelligence reporting mapping"
    ),
    Industry.LOGISTICS: (
        "logistic warehous transport driv(?:er|ing) truck hgv lorry forklift courier deliver picker packer packaging "
        "freight fulfil fleet chauffeur dispatch distribut stock inventory goods shipping supply.chain"
    ),
    Industry.TRADES: (
        "construct electrician plumb carpent joiner weld(?:er|ing) hvac refrigerat air.condition heating "
        "timber fabricat build(?:er|ing) roof paint(?:er|ing) mason brick install maintenance"
    ),
    Industry.ENGINEERING: (
        "engineer manufactur industrial mechanic production machin aerospace automotive energy quality"
    ),
    Industry.HOSPITALITY: (
        "hospitality hotel restaurant chef cook kitchen waiter waitress waiting server barista cafe coffee bar$ "
        "catering housekeep domestic room cleaner cleaning guest front.desk tourism food"
    ),
    Industry.SALES: (
        "sales? retail store shop customer account.manager key.account client "
        "call.cent contact.cent branch business.develop"
    ),
    Industry.OFFICE: (
        "account payroll financ bank insur legal law$ lawyer paralegal administrat office secretar human.resource hr$ "
        "people professional.service consult recruit market reception clerk"
    ),
}
_PATTERNS = {
    industry: re.compile(
        "|".join(rf"\b{stem[:-1]}\b" if stem.endswith("$") else rf"\b{stem}" for stem in stems.split())
    )
    for industry, stems in _STEMS.items()
}
_CODE = re.compile(r"\b(\d\d)-\d{4}\b")
_MAJOR_GROUPS: dict[str, Industry] = {
    **dict.fromkeys(("25",), Industry.EDUCATION),
    **dict.fromkeys(("21", "29", "31"), Industry.HEALTH),
    **dict.fromkeys(("15",), Industry.TECHNOLOGY),
    **dict.fromkeys(("53",), Industry.LOGISTICS),
    **dict.fromkeys(("47", "49"), Industry.TRADES),
    **dict.fromkeys(("17", "51"), Industry.ENGINEERING),
    **dict.fromkeys(("35", "37", "39"), Industry.HOSPITALITY),
    **dict.fromkeys(("41",), Industry.SALES),
    **dict.fromkeys(("11", "13", "23", "43"), Industry.OFFICE),
}


def industry_of(posting: Mapping[str, Any]) -> Industry:
    """The industry of a schema.org posting; ``OTHER`` where nothing tells it. Never raises."""
    for field in ("industry", "occupationalCategory", "title"):
        text = " ".join(words(posting.get(field))).casefold()
        if field == "occupationalCategory" and (code := _CODE.search(text)):
            return _MAJOR_GROUPS.get(code[1], Industry.OTHER)
        for industry, pattern in _PATTERNS.items():
            if pattern.search(text):
                return industry
    return Industry.OTHER
