"""What the sample shop sells: eight ranges of ten models, in English and Spanish."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """One thing to sell, in both languages."""

    title: str
    title_es: str
    material: str


@dataclass(frozen=True)
class Range:
    """Models that share a category of the shop's own, what they vary in and what they cost.

    The first six models are families (a parent and a child per variation), the others simple
    products. `price_cents` is the cheapest model's; `fields` are the same for all.
    """

    code: str
    category: str
    price_cents: int
    weight_grams: int
    models: tuple[Model, ...]
    colours: tuple[str, ...]
    sizes: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


def _models(*rows: tuple[str, str, str]) -> tuple[Model, ...]:
    return tuple(Model(*row) for row in rows)


RANGES: tuple[Range, ...] = (
    Range(
        "BLS",
        "Women > Tops > Blouses",
        2490,
        220,
        _models(
            ("Linen blouse with stand collar", "Blusa de lino con cuello mao", "Linen"),
            ("Wrap blouse with tie belt", "Blusa cruzada con lazo", "Polyester"),
            ("Striped boyfriend shirt", "Camisa oversize de rayas", "Cotton"),
            ("Satin blouse with long cuffs", "Blusa satinada de puño largo", "Silk"),
            ("Embroidered peasant blouse", "Blusa bordada campesina", "Cotton"),
            ("Sleeveless summer blouse", "Blusa de verano sin mangas", "Linen"),
            ("Denim look shirt", "Camisa efecto vaquero", "Cotton"),
            ("Pleated office blouse", "Blusa plisada de oficina", "Polyester"),
            ("Blouse with lace yoke", "Blusa con canesú de encaje", "Cotton"),
            ("Printed kimono top", "Top quimono estampado", "Silk"),
        ),
        ("White", "Sky blue", "Sage"),
        ("S", "M", "L"),
        (("season", "SS"), ("style", "Casual"), ("pattern", "Solid"), ("gender", "Women")),
    ),
    Range(
        "TSH",
        "Men > Tops > T-Shirts",
        1590,
        180,
        _models(
            ("Heavyweight crew neck T-shirt", "Camiseta gruesa de cuello redondo", "Cotton"),
            ("Pocket T-shirt", "Camiseta con bolsillo", "Cotton"),
            ("Ringer T-shirt", "Camiseta con ribetes", "Cotton"),
            ("Running T-shirt with mesh back", "Camiseta técnica de correr", "Polyester"),
            ("Henley T-shirt", "Camiseta panadera", "Cotton"),
            ("Long sleeve T-shirt", "Camiseta de manga larga", "Cotton"),
            ("V-neck T-shirt", "Camiseta de cuello de pico", "Cotton"),
            ("Boxy T-shirt", "Camiseta de corte recto", "Cotton"),
            ("Merino base layer", "Camiseta interior de merino", "Wool"),
            ("Slub yarn T-shirt", "Camiseta de algodón flameado", "Cotton"),
        ),
        ("Black", "Navy"),
        ("M", "L"),
        (
            ("season", "All year"),
            ("style", "Casual"),
            ("pattern", "Solid"),
            ("gender", "Men"),
        ),
    ),
    Range(
        "BOO",
        "Women > Shoes > Boots",
        6990,
        1100,
        _models(
            ("Chelsea boots", "Botines chelsea", "Leather"),
            ("Lace-up ankle boots", "Botines de cordones", "Leather"),
            ("Knee-high riding boots", "Botas altas de montar", "Leather"),
            ("Vegan combat boots", "Botas militares veganas", "PU"),
            ("Lined winter boots", "Botas de invierno forradas", "Canvas"),
            ("Block heel boots", "Botines de tacón ancho", "Leather"),
            ("Desert boots", "Botas safari", "Leather"),
            ("Cowboy boots", "Botas camperas", "Leather"),
            ("Rain boots", "Botas de agua", "Synthetic"),
            ("Suede look boots", "Botines efecto ante", "PU"),
        ),
        ("Black", "Cognac"),
        ("37", "38"),
        (("season", "FW"), ("sole", "Rubber"), ("gender", "Women")),
    ),
    Range(
        "CUS",
        "Home > Living > Cushion Covers",
        1190,
        150,
        _models(
            ("Velvet cushion cover 45 x 45", "Funda de terciopelo 45 x 45", "Velvet"),
            ("Fringed cushion cover 50 x 50", "Funda con flecos 50 x 50", "Cotton"),
            ("Quilted cushion cover 40 x 60", "Funda acolchada 40 x 60", "Cotton"),
            ("Tufted cushion cover", "Funda con relieve", "Cotton"),
            ("Outdoor cushion cover", "Funda de exterior", "Polyester"),
            ("Linen blend cushion cover", "Funda de mezcla de lino", "Linen"),
            ("Bouclé cushion cover", "Funda de rizo bouclé", "Wool"),
            ("Striped cushion cover", "Funda de rayas", "Cotton"),
            ("Block print cushion cover", "Funda estampada a mano", "Cotton"),
            ("Plush cushion cover", "Funda de peluche", "Plush"),
        ),
        ("Ivory", "Terracotta", "Olive"),
        (),
        (("style", "Modern"), ("pattern", "Solid")),
    ),
    Range(
        "KET",
        "Home > Kitchen > Kettles",
        3490,
        1300,
        _models(
            ("Electric kettle 1.7 l", "Hervidor eléctrico 1,7 l", "Stainless steel"),
            ("Gooseneck kettle 0.8 l", "Hervidor de cuello de cisne 0,8 l", "Stainless steel"),
            ("Glass kettle with light", "Hervidor de vidrio con luz", "Glass"),
            ("Travel kettle 0.5 l", "Hervidor de viaje 0,5 l", "Plastic"),
            ("Retro kettle 1.5 l", "Hervidor retro 1,5 l", "Stainless steel"),
            ("Double wall kettle 1.2 l", "Hervidor de doble pared 1,2 l", "Stainless steel"),
            ("Temperature kettle 1 l", "Hervidor con temperatura 1 l", "Stainless steel"),
            ("Ceramic kettle 1 l", "Hervidor de cerámica 1 l", "Ceramic"),
            ("Kettle with tea strainer", "Hervidor con filtro de té", "Glass"),
            ("Kettle for offices 2 l", "Hervidor de oficina 2 l", "Stainless steel"),
        ),
        ("Black", "White", "Silver"),
        (),
        (("power", "Mains"), ("voltage", "220V")),
    ),
    Range(
        "EAR",
        "Electronics > Audio > Earphones",
        2990,
        90,
        _models(
            ("Wireless earbuds with case", "Auriculares inalámbricos con estuche", "ABS"),
            ("Sports earphones with hooks", "Auriculares deportivos con gancho", "silicone"),
            ("Wired in-ear phones USB-C", "Auriculares con cable USB-C", "aluminum"),
            ("Noise cancelling earbuds", "Auriculares con cancelación de ruido", "ABS"),
            ("Sleep earbuds", "Auriculares para dormir", "silicone"),
            ("Open-ear headphones", "Auriculares abiertos", "Plastic"),
            ("Studio headphones", "Auriculares de estudio", "Plastic"),
            ("Children's headphones", "Auriculares infantiles", "Plastic"),
            ("Neckband earphones", "Auriculares de cuello", "silicone"),
            ("Gaming headset", "Cascos para juegos", "Plastic"),
        ),
        ("Black", "White", "Blue"),
        (),
        (("power", "Battery"), ("feature", "Portable")),
    ),
    Range(
        "DOG",
        "Pets > Dogs > Collars",
        990,
        120,
        _models(
            ("Padded dog collar", "Collar acolchado para perro", "nylon"),
            ("Reflective dog collar", "Collar reflectante para perro", "nylon"),
            ("Leather dog collar", "Collar de cuero para perro", "Leather"),
            ("Waterproof dog collar", "Collar impermeable para perro", "PVC"),
            ("Dog lead 1.5 m", "Correa de perro 1,5 m", "nylon"),
            ("Training lead 5 m", "Correa de adiestramiento 5 m", "nylon"),
            ("Martingale collar", "Collar martingala", "nylon"),
            ("Light-up collar", "Collar luminoso", "silicone"),
            ("Rope lead", "Correa de cuerda", "nylon"),
            ("Puppy collar set", "Juego de collares para cachorro", "nylon"),
        ),
        ("Red", "Green"),
        ("S", "M"),
        (("animal", "Dogs"),),
    ),
    Range(
        "NOT",
        "Office > Paper > Notebooks",
        690,
        300,
        _models(
            ("Dotted notebook A5", "Cuaderno de puntos A5", "Paper"),
            ("Ruled notebook A5", "Cuaderno rayado A5", "Paper"),
            ("Sketchbook A4", "Cuaderno de dibujo A4", "Paper"),
            ("Pocket notebook A6", "Libreta de bolsillo A6", "Paper"),
            ("Undated weekly planner", "Agenda semanal sin fechas", "Paper"),
            ("Softcover notebook B5", "Cuaderno de tapa blanda B5", "Paper"),
            ("Music notebook", "Cuaderno de música", "Paper"),
            ("Recipe book", "Libro de recetas", "Paper"),
            ("Travel journal", "Diario de viaje", "Leather"),
            ("Reporter's notebook", "Libreta de reportero", "Paper"),
        ),
        ("Black", "Forest green", "Mustard"),
        (),
        (("shape", "Rectangle"),),
    ),
)
