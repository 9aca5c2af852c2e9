"""The words that fill the slots of the phrases: names, times, amounts. All of them invented.

Knows which words a slot may hold and how to take them out again. Knows nothing of intents or sentences.
"""

from __future__ import annotations

import re
from functools import cache

from draws import Draws

_HOUSES = (
    "Copper Heron|Blue Ladle|Quiet Otter|Salt Cellar|Paper Lantern|Old Ferry|Tin Spoon|Red Quince|Two Chimneys|Night Baker"
    "|Lemon Yard|Green Kettle|Last Tram|Golden Sprat|Hungry Poet|Walnut Room|Black Radish|Cloud Pantry|Fig and Thistle"
    "|Rusty Anchor|Stone Oven|Velvet Onion|Wild Fennel|Harbour Goat|Silver Carp|Seven Plates|Winter Garden|Plum Street Grill"
)
_FIRST = "Café|Brasserie|Trattoria|Chez|Casa|Bistro|Osteria|Taverna"
_LAST = "Zoë|Émile|Lumière|Odile|Marrón|Perla|Soleil|Nuñez|Törnkvist|Bellini|Amélie|Köster|Dario|Ophelia|Kalinka|Samovar"
_STREETS = (
    "Mill Lane|Harbour Street|Lantern Row|Orchard Road|Canal Walk|Bishop Square|Tanner Street|North Quay|Cherry Hill"
    "|Glassworks Yard|Station Parade|Weaver Alley|Kingfisher Way|Old Market|Bridge Street|Plum Street|Chapel Gate"
    "|Observatory Road|Linden Avenue|Rope Walk"
)
_PERSONS = (
    "Ada|Bruno|Carla|Dmitri|Elif|Farid|Greta|Hugo|Ines|Jonas|Kira|Leo|Mina|Nils|Olga|Pedro|Ruth|Samir|Tessa|Umar|Vera"
    "|Wanda|Yusuf|Zara|Aunt Rosa|Mr Okafor|Mrs Lindqvist|Ms Tanaka|Dr Moreau|Uncle Piet"
)
_DISHES = (
    "risotto|lamb curry|fish soup|cheese fondue|pad thai|mushroom ramen|beef stew|pumpkin ravioli|tiramisu|goulash"
    "|chocolate mousse|moussaka|lentil dal|paella|duck breast|potato gratin|couscous|sushi platter|shakshuka|pancake stack"
    "|trout|cheesecake|chicken pie|falafel plate|lasagne"
)
_WHEN = (
    "on Monday|on Tuesday|on Wednesday|on Thursday|on Friday|on Saturday|on Sunday|tonight|tomorrow|tomorrow night"
    "|next Friday|next Sunday|this Saturday|this weekend|at the weekend|on 12 May|on the 3rd of June|on 27 August"
    "|on New Year's Eve|on Mother's Day|on Easter Sunday|in two weeks|next week|on 14 February|on the 30th"
)
_PAST = "yesterday|last night|last Sunday|on Saturday|last week|the other day|on Friday night|at the weekend|three days ago"
_AGO = "two weeks ago|last month|a year ago|in March|last summer|ten days ago|in spring|at the end of May|in January"
_TIMES = "noon|half past six|half past seven|quarter to eight|8 o'clock|seven|nine|6 pm|7 pm|9 pm|18:30|19:15|20:00|20:45|21:30"
_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|3|4|5|6|7|8|9|10|14"
_MINUTES = "10|15|20|25|30|40|45|50|70|90|twenty|thirty|fifty"

WORDS: dict[str, tuple[str, ...]] = {
    "place": (
        *(f"the {house}" for house in _HOUSES.split("|")),
        *(f"{first} {last}" for first in _FIRST.split("|") for last in _LAST.split("|")),
    ),
    "street": tuple(_STREETS.split("|")),
    "area": tuple("Southbank|Old Town|Millfield|Northgate|Harbourside|Glasshill|Riverside|Little Lisbon|Eastmoor".split("|")),
    "person": tuple(_PERSONS.split("|")),
    "dish": tuple(_DISHES.split("|")),
    "cuisine": tuple("Georgian|Peruvian|Korean|Lebanese|Basque|Persian|Sichuan|Nordic|Turkish|Mexican|Goan".split("|")),
    "allergen": tuple("gluten|soy|sesame|shellfish|celery|mustard|lupin|lactose|cashew|wheat|fish|milk".split("|")),
    "when": tuple(_WHEN.split("|")),
    "day": tuple("Saturday|Sunday|tomorrow|the weekend|next week|Easter|Friday|9 April|the 3rd of June|22 July".split("|")),
    "when_past": tuple(_PAST.split("|")),
    "ago": tuple(_AGO.split("|")),
    "weekday": tuple("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday".split("|")),
    "month": tuple("January|February|March|April|May|June|July|August|September|October|November|December".split("|")),
    "time": tuple(_TIMES.split("|")),
    "n": tuple(_NUMBERS.split("|")),
    "small": ("two", "three", "four", "five"),
    "stars": ("two", "three", "four", "five"),
    "minutes": tuple(_MINUTES.split("|")),
    "crowd": tuple("20|25|30|35|40|50|60|80|forty|sixty|ninety".split("|")),
    "points": tuple("120|200|250|340|500|750|900|1200|2000".split("|")),
    "dinner": ("dinner", "lunch", "brunch", "breakfast", "supper"),
    "party": tuple("wedding|christening|birthday party|christmas party|farewell party|team dinner|jubilee|hen party".split("|")),
    "device": tuple("phone|tablet|old phone|new phone|work phone|laptop|Android phone|iPhone|iPad|Pixel".split("|")),
    "thing": tuple(
        "umbrella|grey scarf|wallet|left glove|reading glasses|wool hat|blue jacket|bunch of keys|earring|backpack|novel"
        "|lunch box|camera|bicycle helmet|silver ring".split("|")
    ),
    "insult": ("misers", "peasants", "amateurs", "a nuisance", "tourists", "barbarians"),
}
_PAIRS = {"n2": "n", "time2": "time", "street2": "street"}
_PARTNER = {**_PAIRS, **{first: second for second, first in _PAIRS.items()}}


class Slots:
    """What the slots of connected clauses hold: a slot keeps its word, and n2 differs from n."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._held: dict[str, str] = {}

    def fill(self, name: str) -> str:
        """The word of a slot; drawn the first time."""
        if name not in self._held:
            self._held[name] = self._draw(name)
        return self._held[name]

    def _draw(self, name: str) -> str:
        if name == "number":
            return str(self._draws.between(2, 240))
        if name == "ref":
            return f"{self._draws.choice('ABKRT')}-{self._draws.between(10_000, 99_999)}"
        if name == "money":
            amount = self._draws.between(6, 95)
            return self._draws.choice((f"€{amount}", f"{amount} euros", f"{amount}.50 €", f"€ {amount},90"))
        words = WORDS[_PAIRS.get(name, name)]
        taken = self._held.get(_PARTNER.get(name, name))
        return self._draws.choice([word for word in words if word != taken])


@cache
def _pattern() -> re.Pattern[str]:
    known = sorted({word for words in WORDS.values() for word in words}, key=lambda word: (-len(word), word))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, known))})\b|€ ?[\d.,]+|[\d.,:]+ ?€|\b[A-Z]-\d+|\d+", re.IGNORECASE)


@cache
def _slot_of() -> dict[str, str]:
    return {word.lower(): name for name, words in reversed(WORDS.items()) for word in words}


def delexicalise(text: str) -> str:
    """The skeleton of a text: names, streets, persons, dishes, days, times and numbers become their slot's name."""
    return _pattern().sub(lambda found: f"<{_slot_of().get(found.group().lower(), 'number')}>", text.replace("’", "'"))
