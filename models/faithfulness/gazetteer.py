"""Names of places that are generally known, by their spellings. Folded; codes are told apart by their capitals."""

__all__ = ["AMBIGUOUS", "AMBIGUOUS_CODES", "CODES", "PLACES"]

_GROUPS = """
united states|united states of america|usa|america
united kingdom|uk|great britain|britain
england
scotland
wales
ireland|eire
northern ireland
germany|deutschland
france
spain|espana
portugal
italy|italia
switzerland|schweiz|suisse
austria|osterreich
netherlands|holland|nederland
belgium|belgique|belgie
luxembourg
denmark|danmark
sweden|sverige
norway|norge
finland|suomi
iceland
poland|polska
czechia|czech republic
slovakia
hungary
romania
bulgaria
greece
croatia
slovenia
serbia
estonia
latvia
lithuania
ukraine
russia
turkey|turkiye
cyprus
malta
israel
egypt
morocco
tunisia
algeria
nigeria
ghana
kenya
ethiopia
uganda
tanzania
south africa
saudi arabia
united arab emirates|uae
qatar
kuwait
bahrain
oman
jordan
lebanon
iraq
iran
afghanistan
pakistan
india|bharat
bangladesh
sri lanka
nepal
china
hong kong
taiwan
japan
south korea|korea
vietnam
thailand
malaysia
singapore
indonesia
philippines
australia
new zealand
canada
mexico
brazil|brasil
argentina
chile
colombia
peru
ecuador
venezuela
uruguay
costa rica
panama
guatemala
cuba
jamaica
puerto rico
dominican republic
new york|nyc|new york city
los angeles
san francisco
chicago
houston
phoenix
philadelphia
san antonio
san diego
dallas
austin
san jose
jacksonville
columbus
charlotte
indianapolis
seattle
denver
boston
el paso
nashville
detroit
oklahoma city
portland
las vegas
memphis
louisville
baltimore
milwaukee
albuquerque
tucson
fresno
sacramento
kansas city
atlanta
miami
oakland
minneapolis
tulsa
tampa
new orleans
cleveland
honolulu
anchorage
pittsburgh
cincinnati
st louis|saint louis
orlando
raleigh
salt lake city
richmond
boulder
palo alto
mountain view
brooklyn
manhattan
silicon valley
toronto
montreal
vancouver
ottawa
calgary
edmonton
london
manchester
birmingham
leeds
glasgow
edinburgh
liverpool
bristol
sheffield
cardiff
belfast
cambridge
oxford
reading
nottingham
dublin
cork
berlin
hamburg
munich|munchen|muenchen
cologne|koln|koeln
frankfurt
stuttgart
dusseldorf|duesseldorf
leipzig
dresden
hanover|hannover
nuremberg|nurnberg|nuernberg
bremen
essen
dortmund
vienna|wien
graz
salzburg
zurich|zuerich
geneva|geneve|genf
basel
bern
paris
lyon|lyons
marseille
toulouse
nice
lille
bordeaux
madrid
barcelona
valencia
seville|sevilla
lisbon|lisboa
porto
rome|roma
milan|milano
turin|torino
naples|napoli
amsterdam
rotterdam
the hague|den haag
utrecht
eindhoven
brussels|bruxelles|brussel
antwerp|antwerpen
copenhagen|kobenhavn
aarhus
stockholm
gothenburg|goteborg
malmo
oslo
bergen
helsinki
warsaw|warszawa
krakow|cracow
wroclaw
gdansk
prague|praha
brno
budapest
bucharest|bucuresti
sofia
athens|athina
thessaloniki
zagreb
ljubljana
belgrade|beograd
tallinn
riga
vilnius
kyiv|kiev
moscow
istanbul
ankara
tel aviv
jerusalem
cairo
casablanca
lagos
nairobi
johannesburg
cape town
dubai
abu dhabi
riyadh
doha
karachi
lahore
mumbai|bombay
delhi|new delhi
bangalore|bengaluru
hyderabad
chennai|madras
pune
kolkata|calcutta
dhaka
colombo
beijing
shanghai
shenzhen
guangzhou
taipei
tokyo
osaka
kyoto
seoul
hanoi
ho chi minh city|saigon
bangkok
kuala lumpur
jakarta
manila
sydney
melbourne
brisbane
perth
adelaide
auckland
wellington
mexico city
sao paulo
rio de janeiro
buenos aires
santiago
bogota
lima
"""

_STATES = """
Alabama AL|Alaska AK|Arizona AZ|Arkansas AR|California CA|Colorado CO|Connecticut CT|Delaware DE|Florida FL|Georgia GA
Hawaii HI|Idaho ID|Illinois IL|Indiana IN|Iowa IA|Kansas KS|Kentucky KY|Louisiana LA|Maine ME|Maryland MD
Massachusetts MA|Michigan MI|Minnesota MN|Mississippi MS|Missouri MO|Montana MT|Nebraska NE|Nevada NV|New Hampshire NH
New Jersey NJ|New Mexico NM|New York NY|North Carolina NC|North Dakota ND|Ohio OH|Oklahoma OK|Oregon OR|Pennsylvania PA
Rhode Island RI|South Carolina SC|South Dakota SD|Tennessee TN|Texas TX|Utah UT|Vermont VT|Virginia VA|Washington WA
West Virginia WV|Wisconsin WI|Wyoming WY|District of Columbia DC|Ontario ON|Quebec QC|British Columbia BC|Alberta AB
Manitoba MB|Saskatchewan SK|Nova Scotia NS|New Brunswick NB
"""

AMBIGUOUS = frozenset(
    {"reading", "nice", "cork", "essen", "turkey", "china", "jordan", "phoenix", "orlando", "mobile", "chile", "bergen"}
    | {
        "split",
        "bath",
        "columbus",
        "austin",
        "charlotte",
        "sofia",
        "lima",
        "perth",
        "madras",
        "cologne",
        "turin",
        "maine",
    }
    | {
        "virginia",
        "panama",
        "porto",
        "valencia",
        "santiago",
        "wellington",
        "georgia",
        "wales",
        "naples",
        "lyons",
        "denver",
    }
)
"""Names that are words or people's names too: a place only where they are capitalised inside a sentence."""
AMBIGUOUS_CODES = frozenset({"MS", "MA", "MD"})
"""Codes that are degrees too: a place only after a comma."""


def _state(line: str) -> tuple[str, str]:
    name, _, code = line.rpartition(" ")
    return name.casefold(), code


_STATE_CODES = dict(_state(entry) for line in _STATES.strip().splitlines() for entry in line.split("|"))
_SPELLINGS = [tuple(line.split("|")) for line in _GROUPS.strip().splitlines()]

PLACES: dict[str, tuple[str, ...]] = {name: group for group in _SPELLINGS for name in group} | {
    name: (name, *(("nyc", "new york city") if name == "new york" else ())) for name in _STATE_CODES
}
"""Folded spelling -> all folded spellings of the same place."""

CODES: dict[str, tuple[str, ...]] = {code: (name,) for name, code in _STATE_CODES.items()} | {
    "US": PLACES["usa"],
    "UK": PLACES["uk"],
    "EU": ("european union", "europe"),
    "NYC": PLACES["nyc"],
    "UAE": PLACES["uae"],
    "SF": ("san francisco",),
}
"""Code in capitals -> folded spellings of its place."""
