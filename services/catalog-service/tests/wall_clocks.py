"""What a complete feed of wall clocks says: a leaf of the sandbox, and all that it asks for."""

WALL_CLOCKS = "152805"
ATTRIBUTES = {
    "sku_code": {"field": "product_id"},
    "price": {"field": "price"},
    "image_url_list": {"field": "images"},
    "product_units_type": {"constant": "piece/pieces"},
    "inventory_deduction_strategy": {"constant": "place_order_withhold"},
    "package_weight": {"constant": 1},
    "package_length": {"constant": 10},
    "package_width": {"constant": 10},
    "package_height": {"constant": 10},
    "shipping_preparation_time": {"constant": 3},
    "shipping_template_id": {"constant": "free shipping"},
}
CATEGORY_ATTRIBUTES = {
    "Brand Name": {"constant": "NONE"},
    "Origin": {"constant": "Mainland China"},
    "High-concerned chemical": {"constant": "None"},
    "Material": {"constant": "Plastic"},
    "Style": {"constant": "Modern"},
    "Type": {"constant": "Standard"},
    "Room Space": {"constant": "Kitchen"},
    "Feature": {"constant": "Portable"},
    "Power Source": {"constant": "Battery"},
    "Shape": {"constant": "Round"},
}
