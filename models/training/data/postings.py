"""Postings: schema.org JobPosting documents with the truth beside them."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from models.training.data.catalogue import Catalogue, Occupation, Place
from models.training.data.facts import draw_facts, draw_pay
from models.training.data.layout import render
from models.training.data.noise import decorated
from models.training.data.sections import Ad, compose
from models.training.data.truth import Fact, GeneratedPosting, Split, values_with
from schemas.posting import read_posting

__all__ = ["draw_posting"]

_REMOTE_SHARE, _PART_TIME_SHARE = 0.4, 0.35
_SENIORITIES = ("junior", "regular", "regular", "senior", "lead")
_HEADER_PAY_SHARE, _BODY_PAY_SHARE = 0.35, 0.45
_VALID_SHARE, _SKILLS_SHARE, _HTML_SHARE = 0.6, 0.35, 0.5
# Remote work from an operating theatre is rare.
_DESK_FAMILIES = frozenset({"software", "data", "office", "engineering", "retail"})
_COMMON_SKILLS = ("teamwork", "communication", "time management", "problem solving", "customer care", "planning")
_FIRST_DAY = date(2026, 1, 5)


def draw_posting(
    rng: Random,
    catalogue: Catalogue,
    job_id: str,
    split: Split,
    occupation: Occupation,
    wanted: Mapping[str, str] | None = None,
) -> GeneratedPosting:
    """Draw one posting of an occupation.

    Args:
        rng: Source of all choices: the same state gives the same bytes.
        catalogue: What can be said.
        job_id: Its identity.
        split: Which templates and organisations may be used.
        occupation: What the job is.
        wanted: Body facts that it must have, by kind.
    """
    place = rng.choice(catalogue.places)
    seniority = rng.choice(_SENIORITIES)
    header = {
        "remote": "yes" if occupation.family in _DESK_FAMILIES and rng.random() < _REMOTE_SHARE else "no",
        "part_time": "yes" if rng.random() < _PART_TIME_SHARE else "no",
        "seniority": seniority,
    }
    plain_title = rng.choice(occupation.titles.of(split))
    pattern = rng.choice(catalogue.facts["seniority"].values[seniority].phrases.of(split))
    title = decorated(rng, pattern.replace("{t}", plain_title))
    organisation = f"{rng.choice(catalogue.roots(split))} {rng.choice(catalogue.organisation_kinds[occupation.family])}"
    pay, pay_draw = draw_pay(rng, occupation), rng.random()
    in_header, in_body = (
        pay_draw < _HEADER_PAY_SHARE,
        _HEADER_PAY_SHARE <= pay_draw < _HEADER_PAY_SHARE + _BODY_PAY_SHARE,
    )
    if in_header:
        header["pay"] = str(pay[1])
    style = catalogue.styles[rng.choice(catalogue.styles_of_family[occupation.family])]
    facts = draw_facts(
        rng,
        catalogue,
        occupation,
        split,
        style.bullet_share,
        wanted,
        seniority=seniority,
        pay=pay if in_body else None,
    )
    fill = {
        "org": organisation,
        "city": place.city,
        "sector": catalogue.sectors[occupation.family],
        "title": plain_title.lower() if rng.random() < 0.5 else plain_title,  # noqa: PLR2004 (a fair coin)
    }
    ad = compose(rng, catalogue, occupation, split, style, facts, fill)
    posting = _document(rng, job_id, title, organisation, place, header)
    if in_header:
        posting["baseSalary"] = _salary(place.currency, pay)
    posting |= _texts(rng, ad, posting["hiringOrganization"])
    body = read_posting(posting).body
    return GeneratedPosting(
        job_id=job_id,
        posting=posting,
        body=body,
        occupation=occupation.key,
        family=occupation.family,
        values=_values(place, header, facts),
        facts=tuple(sorted(facts, key=lambda fact: fact.start_in(body))),
    )


def _values(place: Place, header: Mapping[str, str], facts: list[Fact]) -> dict[str, frozenset[str]]:
    values = {kind: frozenset({value}) for kind, value in header.items()}
    values["place"] = frozenset({place.city, place.region, place.country})
    return values_with(values, facts)


def _document(
    rng: Random,
    job_id: str,
    title: str,
    organisation: str,
    place: Place,
    header: Mapping[str, str],
) -> dict[str, Any]:
    posted = _FIRST_DAY + timedelta(days=rng.randrange(240))
    address = {
        "@type": "PostalAddress",
        "addressLocality": place.city,
        "addressRegion": place.region,
        "addressCountry": place.country,
    }
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "identifier": {"@type": "PropertyValue", "name": organisation, "value": job_id},
        "title": title,
        "hiringOrganization": {"@type": "Organization", "name": organisation},
        "jobLocation": {"@type": "Place", "address": address},
        "employmentType": "PART_TIME" if header["part_time"] == "yes" else "FULL_TIME",
        "datePosted": posted.isoformat(),
    }
    if header["remote"] == "yes":
        document["jobLocationType"] = "TELECOMMUTE"
    if rng.random() < _VALID_SHARE:
        # Far ahead: a sample that expires would empty the demonstration one day.
        document["validThrough"] = (posted + timedelta(days=365 * 20)).isoformat()
    if rng.random() < _SKILLS_SHARE:
        document["skills"] = ", ".join(rng.sample(_COMMON_SKILLS, 2))
    return document


def _salary(currency: str, pay: tuple[int, int]) -> dict[str, Any]:
    low, high = pay
    value = {"@type": "QuantitativeValue", "minValue": low * 1000, "maxValue": high * 1000, "unitText": "YEAR"}
    return {"@type": "MonetaryAmount", "currency": currency, "value": value}


def _texts(rng: Random, ad: Ad, organisation: dict[str, Any]) -> dict[str, Any]:
    """Where the sections go: all into the description, or into the fields that the vocabulary has for them."""
    html = rng.random() < _HTML_SHARE
    layout = rng.choice(("one", "one", "fields", "organisation"))
    if layout == "one":
        sections = [getattr(ad, name) for name in ad.order]
        return {"description": render([*sections, *ad.closing], html=html)}
    opening = [ad.introduction, ad.terms, *ad.closing]
    if layout == "organisation":
        organisation["description"] = render([ad.about], html=False)
    else:
        opening.insert(0, ad.about)
    return {
        "description": render(opening, html=html),
        "responsibilities": render([ad.duties], html=html),
        "qualifications": render([ad.needs], html=html),
        "jobBenefits": render([ad.benefits], html=html),
    }
