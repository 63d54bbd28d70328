"""What the words of a category's name say: products, and for whom they are. Pure.

Words are compared by their stem, synonyms by one of them, and those that say for whom (men, girls,
baby) are no product words: they only must not contradict.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_FILLERS = """and or of for the a an with without in on to by other others more all new sale s
    y o de del la el los las para con otros otras e da do das dos com outros du des le les et pour
    avec autres und oder der die das fur mit andere di per altri altre en van voor met i dla oraz"""
_IGNORED = frozenset(_FILLERS.split())
_MALE, _FEMALE = "male", "female"
_ADULT, _KID, _BABY = "adult", "kid", "baby"
_MATERNITY = "maternity"
_AUDIENCES: Mapping[frozenset[str], str] = {
    frozenset({_MALE, _ADULT}): """men man mens male males gentlemen gentleman gents hombre hombres
        caballero caballeros homme hommes herren manner uomo uomini homem homens masculino heren
        mezczyzna mezczyzn meskie meski""",
    frozenset({_FEMALE, _ADULT}): """women woman womens lady ladies female females
        mujer mujeres senora senoras femme femmes damen frauen donna donne mulher
        mulheres feminino dames kobiety kobiet damskie damski""",
    frozenset({_FEMALE, _ADULT, _MATERNITY}): "maternity pregnant pregnancy premama umstands",
    frozenset({_MALE, _KID}): "boy boys nino ninos garcon garcons jungen menino meninos",
    frozenset({_FEMALE, _KID}): "girl girls nina ninas fille filles madchen menina meninas",
    frozenset({_KID}): """kid kids child children childrens toddler toddlers infantil enfant enfants
        kinder bambino bambini bambina crianca criancas kinderen dzieci junior juniors
        teen teens""",
    frozenset({_BABY}): "baby babies babys infant infants newborn newborns bebe bebes neonato",
}
_AUDIENCE_OF: Mapping[str, frozenset[str]] = {
    word: audience for audience, words in _AUDIENCES.items() for word in words.split()
}
_SYNONYMS = (
    "pant pants trouser trousers slacks",
    "sweater jumper pullover",
    "shoe shoes footwear",
    "sneaker sneakers trainer trainers",
    "handbag handbags purse purses",
    "sofa couch",
    "jewelry jewellery",
    "tshirt tshirts tee tees",
    "hoodie hoodies hooded",
    "cellphone cellphones mobile mobiles phone phones smartphone smartphones handset",
    "laptop laptops notebook notebooks",
    "pillow pillows cushion cushions",
    "lamp lamps light lights lighting",
    "rug rugs carpet carpets mat mats",
    "curtain curtains drape drapes",
    "wristwatch wristwatches watch watches",
    "earphone earphones headphone headphones earbud earbuds",
    "underwear undergarment lingerie",
    "swimwear swimsuit swimsuits bathing beachwear",
    "pajama pajamas pyjama pyjamas nightwear sleepwear nightgown",
    "luggage suitcase suitcases",
    "faucet tap",
    "stroller strollers pram prams pushchair",
    "diaper diapers nappy nappies",
    "cosmetic cosmetics makeup",
    "perfume perfumes fragrance fragrances",
    "plush stuffed",
    "clothing clothes apparel garment wear",
    "sock socks hosiery",
    "scarf scarves shawl shawls",
    "spectacle spectacles eyeglasses glasses eyewear",
    "tv television televisions",
    "wallet wallets billfold",
    "decor decoration decorations decorative",
    "car cars auto automotive automobile",
    "bike bikes bicycle bicycles cycling",
    "pc computer computers",
    "cooker cookware",
    "cutlery flatware",
    "garbage trash rubbish",
    "flashlight torch",
    "necktie tie ties",
    "coat coats outerwear",
    "vase vases",
    "candle candles",
    "poster posters print prints",
)
_TRANSLATED = (
    "clothing ropa bekleidung kleidung vetement vetements",
    "shirt shirts camisa camisas hemd hemden chemisier camicia camicie",
    "tshirt camiseta camisetas maglietta magliette",
    "blouse blouses blusa blusas bluse blusen",
    "dress dresses vestido vestidos kleid kleider vestito vestiti",
    "skirt skirts falda faldas rocke jupe jupes gonna gonne",
    "pant pantalon pantalones hosen pantaloni",
    "sweater pull pulli strickjacke sueter",
    "jacket jackets chaqueta chaquetas jacke jacken veste vestes giacca giacche",
    "coat abrigo abrigos mantel manteau manteaux cappotto",
    "shoe zapato zapatos schuh schuhe chaussure chaussures scarpa scarpe",
    "bag bags bolso bolsos tasche taschen sac sacs borsa borse",
    "hat hats sombrero sombreros chapeau chapeaux cappello cappelli",
    "cap caps gorra gorras mutze mutzen casquette casquettes",
    "belt belts cinturon cinturones gurtel ceinture ceintures cintura",
    "sock calcetin calcetines socken chaussette chaussettes",
    "scarf bufanda bufandas schal schals echarpe echarpes",
    "wristwatch reloj relojes uhr uhren montre montres orologio",
    "jewelry joya joyas schmuck bijou bijoux gioielli",
    "earring earrings pendiente pendientes ohrring ohrringe",
    "ring rings anillo anillos bague bagues",
    "pillow cojin cojines kissen coussin coussins cuscino cuscini",
    "chair chairs silla sillas stuhl stuhle sedia sedie",
    "table tables mesa mesas tisch tische tavolo",
    "lamp lampara lamparas lampe lampen lampada",
    "toy toys juguete juguetes spielzeug jouet jouets giocattoli",
    "mug mugs taza tazas tasse tassen becher",
    "poster affiche affiches plakat plakate",
    "kitchen cocina kuche cuisine cucina",
    "garden jardin garten giardino",
    "home house hogar casa haus maison",
)
"""What merchants in Europe sell the most, by the words of their languages: a tree may have its
names in another. Left out is what means something else in English (robe, hose, collar)."""
_PHRASES: Mapping[str, str] = {
    "t shirt": "tshirt",
    "t shirts": "tshirt",
    "make up": "makeup",
    "cell phone": "cellphone",
    "cell phones": "cellphone",
    "mobile phone": "cellphone",
    "mobile phones": "cellphone",
    "wrist watch": "watch",
    "wrist watches": "watch",
    "ear rings": "earring",
    "swim wear": "swimwear",
    "under wear": "underwear",
    "sleep wear": "sleepwear",
    "eye wear": "eyewear",
    "hand bag": "handbag",
    "hand bags": "handbag",
    "back pack": "backpack",
    "note book": "notebook",
    "head phones": "headphone",
}


def plain(text: str) -> str:
    """The text's words in lower case, without accents, one blank between them."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(_WORD.findall(bare.casefold().replace("'", "").replace("\u2019", "")))


@dataclass(frozen=True)
class Words:
    """The product words of a text: stem to how it is spelled, in order. And what is said of the
    audience: sexes and ages."""

    spelled: Mapping[str, str]
    audience: frozenset[str]

    @property
    def products(self) -> Collection[str]:
        """The stems of the product words."""
        return self.spelled.keys()


@lru_cache(8_000)
def words_of(text: str) -> Words:
    """The words of a name or a path's step."""
    line = f" {plain(text)} "
    for phrase, word in _PHRASES.items():
        if f" {phrase} " in line:
            line = line.replace(f" {phrase} ", f" {word} ")
    spelled: dict[str, str] = {}
    audience: set[str] = set()
    for word in line.split():
        whom = _AUDIENCE_OF.get(word)
        if whom is not None:
            audience |= whom
        elif word not in _IGNORED:
            spelled.setdefault(_canonical(word), word)
    return Words(spelled, frozenset(audience))


def stem(word: str) -> str:
    """What singular and plural have in common: shoes and shoe, scarves and scarf, babies and baby,
    pantalones and pantalon."""
    if len(word) <= 3 or word.isdigit():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    word = word.removesuffix("e")
    if word.endswith("v"):
        return word[:-1] + "f"
    return word[:-1] + "i" if word.endswith("y") else word


_CANONICAL: Mapping[str, str] = {
    stem(word): stem(group.split()[0])
    for group in (*_SYNONYMS, *_TRANSLATED)
    for word in group.split()
}


def _canonical(word: str) -> str:
    stemmed = stem(word)
    return _CANONICAL.get(stemmed, stemmed)


def audience_of(steps: Iterable[Words]) -> frozenset[str]:
    """What a path says of the audience, all its steps together."""
    return frozenset().union(*(step.audience for step in steps))


def contradict(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both say for whom, and not for the same."""
    for kind in (frozenset({_MALE, _FEMALE}), frozenset({_ADULT, _KID, _BABY})):
        ours, theirs = one & kind, other & kind
        if ours and theirs and not ours & theirs:
            return True
    return False
