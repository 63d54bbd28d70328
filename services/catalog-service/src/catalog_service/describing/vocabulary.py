"""How catalogues call what they hold, in the languages of sellers on AliExpress.

Words as `names.plain_name` writes them: lower case, without accents, one blank between words.
"""

from collections.abc import Mapping
from typing import Literal

Role = Literal[
    "title",
    "description",
    "short_description",
    "price",
    "compare_price",
    "sale_price",
    "sale_begins",
    "sale_ends",
    "sale_dates",
    "cost",
    "stock",
    "availability",
    "pictures",
    "ean",
    "sku",
    "mpn",
    "product_id",
    "parent_id",
    "option_name",
    "option_value",
    "color",
    "size",
    "material",
    "brand",
    "weight",
    "weight_unit",
    "length",
    "width",
    "height",
    "dimensions",
    "category",
    "currency",
    "status",
    "visibility",
    "url",
]

ROLES: Mapping[Role, str] = {
    "title": (
        "title; name; product name; item name; product title; item title; article name; "
        "subject; titel; bezeichnung; produktname; artikelname; artikelbezeichnung; titulo; "
        "nombre; nombre producto; nombre del producto; nome do produto; nom; nom du produit; "
        "nom produit; intitule; libelle; designation; nome; nome prodotto; titolo; naam; "
        "productnaam; nazwa; nazwa produktu; tytul; название; наименование; urun adi; baslik; "
        "商品名称; 标题; 商品名; 产品名称; navn; namn; nimi; nazev"
    ),
    "description": (
        "description; desc; long description; product description; item description; body; "
        "body html; beschreibung; langbeschreibung; artikelbeschreibung; produktbeschreibung; "
        "descripcion; descripcion larga; descripcion del producto; description longue; "
        "descriptif; descrizione; descrizione lunga; descricao; omschrijving; beschrijving; "
        "productomschrijving; opis; opis produktu; описание; aciklama; 描述; 商品描述; "
        "产品描述; beskrivelse; beskrivning; popis; details; kuvaus"
    ),
    "short_description": (
        "short description; summary; excerpt; subtitle; kurzbeschreibung; kurztext; "
        "descripcion corta; resumen; description courte; resume; descrizione breve; "
        "descricao curta; korte omschrijving; krotki opis; краткое описание; kisa aciklama"
    ),
    "price": (
        "price; regular price; selling price; retail price; standard price; our price; "
        "gross price; price gross; price incl vat; price incl tax; price with tax; "
        "price tax included; price tax excluded; preis; verkaufspreis; vk; vk preis; "
        "vk brutto; bruttopreis; preis brutto; endpreis; precio; pvp; precio venta; "
        "precio de venta; precio con iva; precio final; prix; prix ttc; prix de vente; "
        "prix public; prezzo; prezzo di vendita; prezzo al pubblico; preco; preco de venda; "
        "prijs; verkoopprijs; cena; cena brutto; cena sprzedazy; цена; розничная цена; fiyat; "
        "regularer preis; normalpreis; tarif; tarif regulier; prix regulier; precio normal; "
        "satis fiyati; 价格; 售价; 零售价; pris; hinta; variant price; amount"
    ),
    "compare_price": (
        "compare at price; compare price; list price; msrp; rrp; srp; uvp; old price; "
        "was price; original price; initial price; strike price; price before discount; "
        "streichpreis; listenpreis; alter preis; precio anterior; precio original; "
        "precio tachado; pvpr; prix barre; ancien prix; prix conseille; prezzo di listino; "
        "prezzo originale; prezzo precedente; preco original; adviesprijs; van prijs; "
        "oude prijs; stara cena; cena regularna; старая цена; eski fiyat; liste fiyati; 原价; "
        "划线价; 市场价"
    ),
    "sale_price": (
        "sale price; special price; discount price; discounted price; offer price; "
        "promo price; promotion price; promotional price; final price; reduced price; "
        "angebotspreis; aktionspreis; sonderpreis; reduzierter preis; precio oferta; "
        "precio de oferta; precio rebajado; precio descuento; precio con descuento; "
        "precio promocional; prix promo; prix promotionnel; prix solde; prix remise; "
        "tarif promo; oferta; prezzo scontato; prezzo offerta; "
        "prezzo in offerta; prezzo promozionale; "
        "preco promocional; preco com desconto; actieprijs; aanbiedingsprijs; "
        "cena promocyjna; цена со скидкой; акционная цена; indirimli fiyat; 促销价; 折扣价; "
        "优惠价"
    ),
    "sale_begins": (
        "sale begins; sale start; sale start date; sale price from; sale from date; "
        "discount from; special price from date; special from date; special price from; "
        "date sale price starts; sale price dates from; sale price start date; promo start; "
        "promotion start; angebotsbeginn; aktionsbeginn; angebot von; aktion von; "
        "inicio oferta; fecha inicio oferta; debut promo; inizio offerta; "
        "inizio promozione; begin actie; poczatek promocji; начало акции"
    ),
    "sale_ends": (
        "sale ends; sale end; sale end date; sale price to; sale to date; discount until; "
        "discount to; special price to date; special to date; special price to; "
        "date sale price ends; sale price dates to; sale price end date; promo end; "
        "promotion end; angebotsende; aktionsende; angebot bis; aktion bis; "
        "fin oferta; fecha fin oferta; fin promo; fine offerta; "
        "fine promozione; einde actie; koniec promocji; конец акции"
    ),
    "sale_dates": (
        "sale price effective date; sale dates; offer period; aktionszeitraum; periodo oferta"
    ),
    "cost": (
        "cost; cost per item; cost price; purchase price; buying price; wholesale price; "
        "einkaufspreis; ek; ek preis; precio compra; precio de compra; coste; costo; "
        "prix d achat; prix achat; prezzo di acquisto; prezzo acquisto; preco de custo; "
        "custo; inkoopprijs; cena zakupu; закупочная цена; себестоимость; maliyet; 成本; "
        "成本价; 进价"
    ),
    "stock": (
        "stock; quantity; qty; inventory; inventory quantity; inventory qty; stock quantity; "
        "stock qty; stock level; quantity available; available quantity; on hand; "
        "units in stock; bestand; lagerbestand; menge; lagermenge; existencias; cantidad; "
        "unidades; stock disponible; inventario; quantite; quantite disponible; "
        "quantite en stock; giacenza; quantita; disponibili; estoque; quantidade; voorraad; "
        "aantal; stan; stan magazynowy; ilosc; остаток; остатки; количество; stok; "
        "stok adedi; adet; 库存; 库存数量; 数量; lager; varasto; variant inventory qty"
    ),
    "availability": (
        "availability; in stock; is in stock; instock; stock status; available; "
        "verfugbarkeit; lieferbar; disponibilidad; en stock; disponibilite; disponibilita; "
        "disponivel; beschikbaarheid; op voorraad; dostepnosc; наличие; в наличии; stokta"
    ),
    "pictures": (
        "image; images; picture; pictures; photo; photos; image url; image urls; image link; "
        "image links; images url; img; imgs; picture url; picture urls; photo url; "
        "main image; main image url; image src; image 1; base image; additional images; "
        "additional image link; gallery; media gallery; bild; bilder; bild url; bilder url; "
        "bildlink; produktbild; imagen; imagenes; url imagen; url imagenes; imagen principal; "
        "foto; fotos; url foto; lien image; url image; photo principale; immagine; immagini; "
        "url immagine; immagine principale; imagem; imagens; afbeelding; afbeeldingen; "
        "afbeelding url; zdjecie; zdjecia; картинка; картинки; изображение; изображения; "
        "фото; resim; gorsel; 图片; 主图; 图片链接; bilde; billede; kuva; obrazek"
    ),
    "ean": (
        "ean; ean13; ean 13; ean code; ean upc; gtin; gtin 13; gtin13; gtin14; upc; upc code; "
        "isbn; jan; barcode; bar code; barcodes; strichcode; codigo de barras; codigo barras; "
        "code barre; code barres; code a barres; codice a barre; streepjescode; kod ean; "
        "kod kreskowy; штрихкод; штрих код; barkod; 条码; 条形码; variant barcode; strekkode; "
        "viivakoodi"
    ),
    "sku": (
        "sku; item sku; code; seller sku; sku code; product sku; article number; article no; "
        "item number; item no; item code; product code; article code; variant sku; "
        "stock keeping unit; artikelnummer; artikel nr; art nr; artnr; artikelnr; "
        "bestellnummer; referencia; ref; reference; codigo; codigo articulo; codigo producto; "
        "cod articulo; reference produit; code article; code produit; codice; "
        "codice articolo; codice prodotto; riferimento; artikelcode; productcode; "
        "kod produktu; kod; indeks; symbol; артикул; код товара; stok kodu; urun kodu; 货号; "
        "商家编码; 商品编码; varenummer; tuotekoodi"
    ),
    "mpn": (
        "mpn; manufacturer part number; part number; model number; model; herstellernummer; "
        "modellnummer; referencia fabricante; modelo; reference fabricant; modele; "
        "codice produttore; modello; модель; 型号"
    ),
    "product_id": (
        "id; product id; productid; item id; uid; uuid; external id; article id; artikel id; "
        "produkt id; id producto; id articulo; id produit; id article; id prodotto; "
        "id produto; id produktu; handle; url handle; код; ид; urun id; 编号; 商品id; 产品id; "
        "post id; entity id"
    ),
    "parent_id": (
        "parent; parent id; parent sku; parent code; parent product; parent product id; "
        "item group id; group id; product group id; group; master id; master sku; master; "
        "configurable sku; variant of; variation group; style id; style code; family; "
        "family id; model id; spu; spu id; vater; vaterartikel; hauptartikel; elternartikel; "
        "parent artikelnummer; padre; id padre; sku padre; producto padre; codigo padre; "
        "referencia padre; id parent; produit parent; sku parent; reference parent; "
        "reference mere; prodotto padre; codice padre; pai; id pai; sku pai; hoofdartikel; "
        "id rodzica; produkt glowny; родитель; id группы; группа; ust urun; 父sku; 父级; "
        "父商品"
    ),
    "option_name": ("option name; option1 name; variant name; attribute name; variation theme"),
    "option_value": (
        "option value; option1 value; variant; variation; option; variante; variacion; "
        "attribute value; opcion; valeur; opzione; вариант; 规格"
    ),
    "color": (
        "color; colour; color name; colour name; farbe; couleur; colore; cor; kleur; kolor; "
        "цвет; renk; 颜色; farve; farg; farge; vari; barva"
    ),
    "size": (
        "size; size name; grosse; groesse; konfektionsgrosse; talla; tamano; taille; "
        "pointure; taglia; misura; tamanho; maat; rozmiar; размер; beden; 尺码; 尺寸; "
        "storrelse; storlek; koko; velikost"
    ),
    "material": (
        "material; materials; fabric; stoff; tejido; matiere; tissu; materiau; materiale; "
        "tessuto; materiaal; stof; material zewnetrzny; материал; malzeme; 材质; 面料; "
        "materiaali"
    ),
    "brand": (
        "brand; brand name; vendor; manufacturer; marke; hersteller; markenname; marca; "
        "fabricante; marque; fabricant; produttore; merk; fabrikant; marka; producent; бренд; "
        "производитель; торговая марка; uretici; 品牌; merke; varumarke; tuotemerkki; znacka; "
        "vyrobce"
    ),
    "weight": (
        "weight; item weight; package weight; shipping weight; gross weight; net weight; "
        "gewicht; versandgewicht; bruttogewicht; peso; peso bruto; peso paquete; peso lordo; "
        "poids; poids brut; poids colis; waga; waga brutto; вес; масса; agirlik; 重量; 毛重; "
        "vekt; vikt; vaegt; paino; hmotnost; grams; variant grams; weight value"
    ),
    "weight_unit": (
        "weight unit; weight uom; variant weight unit; gewichtseinheit; unidad peso; "
        "unidad de peso; unite poids; unita peso; gewichtseenheid; jednostka wagi; "
        "единица веса"
    ),
    "length": (
        "length; package length; item length; depth; lange; laenge; tiefe; longueur; "
        "profondeur; largo; longitud; profundidad; fondo; lunghezza; profondita; comprimento; "
        "lengte; diepte; dlugosc; glebokosc; длина; глубина; uzunluk; derinlik; 长; 长度; "
        "包装长"
    ),
    "width": (
        "width; package width; item width; breite; ancho; anchura; largeur; larghezza; "
        "largura; breedte; szerokosc; ширина; genislik; 宽; 宽度; 包装宽"
    ),
    "height": (
        "height; package height; item height; hohe; hoehe; alto; altura; hauteur; altezza; "
        "hoogte; wysokosc; высота; yukseklik; 高; 高度; 包装高"
    ),
    "dimensions": (
        "dimensions; size lxwxh; lxwxh; masse; abmessungen; medidas; dimensiones; dimensioni; "
        "afmetingen; wymiary; размеры; габариты; boyutlar"
    ),
    "category": (
        "category; categories; category path; category tree; category name; product category; "
        "product categories; product type; google product category; breadcrumb; breadcrumbs; "
        "taxonomy; department; kategorie; kategorien; kategoriepfad; warengruppe; "
        "produktkategorie; categoria; categorias; familia; seccion; categorie; rubrique; "
        "rayon; famille; categoria prodotto; reparto; rubriek; productgroep; kategoria; "
        "kategorie produktu; категория; категории; раздел; kategori; 类目; 分类; 类别; type; "
        "item type keyword; item type"
    ),
    "currency": (
        "currency; currency code; price currency; wahrung; waehrung; moneda; divisa; devise; "
        "monnaie; valuta; moeda; waluta; валюта; para birimi; 币种; 货币; mena"
    ),
    "status": (
        "status; active; enabled; published; is active; aktiv; artikelstatus; activo; estado; "
        "habilitado; publicado; statut; actif; publie; etat; stato; attivo; pubblicato; "
        "ativo; situacao; actief; aktywny; статус; активен; durum; aktif; 状态; 上架; "
        "product online; published on online store"
    ),
    "visibility": (
        "visibility; visible; visibility in catalog; sichtbarkeit; sichtbar; visibilidad; "
        "visibilite; visibilita; zichtbaarheid; widocznosc; видимость"
    ),
    "url": (
        "url; link; product url; product link; item url; canonical url; permalink; page url; "
        "category url; deeplink; produkt url; url producto; enlace; lien; lien produit; "
        "ссылка; url key; 链接; 商品链接"
    ),
}
"""Names by role, divided by semicolons."""
