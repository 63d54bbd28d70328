"""What troubles are called, mean and ask for, in Spanish. Pure."""

from auth_service.troubles.texts.text import Text

TEXTS: dict[str, Text] = {
    "token_expiring": Text(
        "La conexión de la tienda {shop} caduca pronto",
        "Cuando caduque, los productos y los precios dejarán de actualizarse y los pedidos "
        "de importarse.",
        "Renuévela ahora con la misma cuenta de vendedor: lleva un minuto.",
    ),
    "token_expired": Text(
        "La conexión de la tienda {shop} ha caducado",
        "Los productos y los precios no se actualizan y los pedidos no se importan hasta "
        "que se renueve. No se pierde nada: después todo se pone al día.",
        "Renuévela con la misma cuenta de vendedor.",
    ),
    "connection_ended": Text(
        "AliExpress ha terminado la conexión de la tienda {shop}",
        "La autorización se retiró antes de tiempo. Los productos y los precios no se "
        "actualizan y los pedidos no se importan.",
        "Averigüe quién la retiró en el centro de vendedores y conecte de nuevo la tienda "
        "con la misma cuenta.",
    ),
    "banned": Text(
        "AliExpress rechaza por un tiempo las llamadas de la tienda {shop}",
        "Parte del trabajo para esta tienda espera a que AliExpress vuelva a aceptar llamadas.",
        "No hay que hacer nada; sigue por sí solo. Si se repite, pregunte al operador de "
        "este canal.",
    ),
    "import_failed": Text(
        "No se pudo importar el último archivo del catálogo {catalogue}",
        "La tienda conserva lo anterior; los cambios del archivo no le llegan.",
        "Mire las filas que nombra la importación, corrija el archivo y envíelo otra vez.",
    ),
    "deletions_withheld": Text(
        "Hay eliminaciones del catálogo {catalogue} que esperan su confirmación",
        "Al último archivo completo le faltaban demasiados productos: no se eliminó "
        "ninguno y los demás se actualizaron.",
        "Si de verdad ya no existen, confirme las eliminaciones; si no, envíe un archivo completo.",
    ),
    "catalogue_silent": Text(
        "Ya no llega nada para el catálogo {catalogue}",
        "Los precios y las existencias de la tienda pueden estar anticuados.",
        "Compruebe si el sistema que envía este catálogo sigue funcionando.",
    ),
    "source_quarantined": Text(
        "La fuente {name} está en cuarentena",
        "Envió sobre todo registros inservibles; los buenos esperan y no llegan a la tienda.",
        "Corrija lo que envía y pida que se levante la cuarentena.",
    ),
    "configuration_broken": Text(
        "La configuración del feed {feed} no se puede usar",
        "El feed no prepara productos nuevos ni modificados.",
        "Abra los ajustes del feed, corrija lo marcado y guarde.",
    ),
    "category_changed": Text(
        "AliExpress cambió una categoría que usa el feed {feed}",
        "Algunos productos no se pueden crear ni actualizar en esa categoría.",
        "Elija otra categoría, o rellene el atributo que ahora se pide.",
    ),
    "run_failed": Text(
        "El último envío del feed {feed} falló",
        "Lo que debía enviar aún no está en la tienda.",
        "Mire el informe del envío; si vuelve a fallar, avise al operador de este canal.",
    ),
    "run_withheld": Text(
        "Un envío del feed {feed} espera su confirmación",
        "Lo que retiene la protección no se envía hasta que usted confirme.",
        "Mire el plan: confírmelo si es correcto; si no, corrija el catálogo o el feed.",
    ),
    "mostly_refused": Text(
        "AliExpress rechazó la mayoría de los artículos del feed {feed}",
        "Estos productos no están en la tienda como usted quiere.",
        "Abra el informe: nombra cada causa y su remedio, las más frecuentes primero.",
    ),
    "feed_idle": Text(
        "El feed {feed} no ha enviado nada desde hace demasiado tiempo",
        "Los precios y las existencias de la tienda pueden estar anticuados.",
        "Mire si un envío espera confirmación; si no, avise al operador de este canal.",
    ),
    "drift": Text(
        "La tienda difiere de lo que envió el feed {feed}",
        "Alguien o algo cambia los productos en AliExpress; el próximo envío de ofertas "
        "corrige precios y existencias.",
        "Mire las diferencias y detenga lo que también cambia estos productos.",
    ),
    "orders_failing": Text(
        "Los pedidos de la tienda {shop} no se pueden importar",
        "No se ven los pedidos nuevos ni las cancelaciones. No se pierde nada: se "
        "importarán cuando vuelva a funcionar.",
        "Mire el problema de la importación; si no nombra nada que corregir, avise al "
        "operador de este canal.",
    ),
    "order_due": Text(
        "El pedido {order} debe enviarse en un día",
        "Si no se envía a tiempo, AliExpress puede cancelarlo y contarlo contra la tienda.",
        "Envíelo e introduzca el número de seguimiento.",
    ),
    "order_late": Text(
        "El pedido {order} va con retraso",
        "Su plazo de envío ha pasado; AliExpress puede cancelarlo en cualquier momento.",
        "Envíelo enseguida, o acuerde una prórroga con el comprador en el centro de vendedores.",
    ),
    "order_unreadable": Text(
        "El pedido {order} no se puede leer",
        "No está en la lista de pedidos; se vuelve a intentar por sí solo.",
        "Atiéndalo mientras tanto en el centro de vendedores y avise al operador de este canal.",
    ),
    "parcel_refused": Text(
        "AliExpress rechazó un paquete del pedido {order}",
        "Para AliExpress, el pedido no está enviado.",
        "Lea el motivo en el pedido, corrija el transportista o el número de seguimiento y "
        "envíe el paquete otra vez.",
    ),
    "webhook_disabled": Text(
        "Se desactivó el punto de entrega de webhooks {endpoint}",
        "El sistema que hay detrás ya no recibe avisos de problemas.",
        "Repare ese sistema y active de nuevo el punto de entrega; las entregas se pueden repetir.",
    ),
}
