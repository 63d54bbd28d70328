"""What troubles are called, mean and ask for, in French. Pure."""

from auth_service.troubles.texts.text import Text

TEXTS: dict[str, Text] = {
    "token_expiring": Text(
        "La connexion de la boutique {shop} expire bientôt",
        "Après son expiration, les produits et les prix ne sont plus mis à jour et les "
        "commandes ne sont plus importées.",
        "Renouvelez-la maintenant avec le même compte vendeur : cela prend une minute.",
    ),
    "token_expired": Text(
        "La connexion de la boutique {shop} a expiré",
        "Les produits et les prix ne sont plus mis à jour et les commandes ne sont plus "
        "importées jusqu'au renouvellement. Rien n'est perdu : tout est rattrapé ensuite.",
        "Renouvelez-la avec le même compte vendeur.",
    ),
    "connection_ended": Text(
        "AliExpress a mis fin à la connexion de la boutique {shop}",
        "L'autorisation a été retirée avant son terme. Les produits et les prix ne sont "
        "plus mis à jour et les commandes ne sont plus importées.",
        "Cherchez qui l'a retirée dans l'espace vendeur, puis reconnectez la boutique avec "
        "le même compte vendeur.",
    ),
    "banned": Text(
        "AliExpress refuse pour un temps les appels de la boutique {shop}",
        "Une partie du travail pour cette boutique attend qu'AliExpress accepte de nouveau "
        "les appels.",
        "Il n'y a rien à faire ; le travail reprend tout seul. Si cela se répète, demandez "
        "à l'opérateur de ce canal.",
    ),
    "import_failed": Text(
        "Le dernier fichier du catalogue {catalogue} n'a pas pu être importé",
        "La boutique garde l'état précédent ; les changements du fichier ne lui parviennent pas.",
        "Regardez les lignes nommées par l'import, corrigez le fichier et envoyez-le de nouveau.",
    ),
    "deletions_withheld": Text(
        "Des suppressions du catalogue {catalogue} attendent votre confirmation",
        "Il manquait trop de produits au dernier fichier complet : aucun n'a été supprimé, "
        "les autres ont été mis à jour.",
        "S'ils ont vraiment disparu, confirmez les suppressions ; sinon, envoyez un "
        "fichier complet.",
    ),
    "catalogue_silent": Text(
        "Plus rien n'arrive pour le catalogue {catalogue}",
        "Les prix et les stocks de la boutique sont peut-être dépassés.",
        "Vérifiez que le système qui envoie ce catalogue fonctionne encore.",
    ),
    "source_quarantined": Text(
        "La source {name} est en quarantaine",
        "Elle a envoyé surtout des enregistrements inutilisables ; les bons attendent et "
        "n'arrivent pas dans la boutique.",
        "Corrigez ce qu'elle envoie, puis faites lever la quarantaine.",
    ),
    "configuration_broken": Text(
        "La configuration du flux {feed} est inutilisable",
        "Le flux ne prépare plus les produits nouveaux ou modifiés.",
        "Ouvrez les réglages du flux, corrigez ce qui est signalé et enregistrez.",
    ),
    "category_changed": Text(
        "AliExpress a changé une catégorie utilisée par le flux {feed}",
        "Certains produits ne peuvent plus être créés ni mis à jour dans cette catégorie.",
        "Choisissez une autre catégorie, ou remplissez l'attribut désormais demandé.",
    ),
    "run_failed": Text(
        "Le dernier envoi du flux {feed} a échoué",
        "Ce qu'il devait envoyer n'est pas encore dans la boutique.",
        "Regardez le rapport de l'envoi ; s'il échoue encore, prévenez l'opérateur de ce canal.",
    ),
    "run_withheld": Text(
        "Un envoi du flux {feed} attend votre confirmation",
        "Ce que la protection retient n'est pas envoyé avant votre confirmation.",
        "Regardez le plan : confirmez-le s'il est juste, sinon corrigez le catalogue ou le flux.",
    ),
    "mostly_refused": Text(
        "AliExpress a refusé la plupart des articles du flux {feed}",
        "Ces produits ne sont pas dans la boutique comme vous le voulez.",
        "Ouvrez le rapport : il nomme chaque cause et le remède, les plus fréquentes d'abord.",
    ),
    "feed_idle": Text(
        "Le flux {feed} n'a rien envoyé depuis trop longtemps",
        "Les prix et les stocks de la boutique sont peut-être dépassés.",
        "Voyez si un envoi attend une confirmation ; sinon, prévenez l'opérateur de ce canal.",
    ),
    "drift": Text(
        "La boutique diffère de ce que le flux {feed} a envoyé",
        "Quelqu'un ou quelque chose change les produits sur AliExpress ; le prochain envoi "
        "d'offres rétablit prix et stocks.",
        "Regardez les différences et arrêtez ce qui modifie aussi ces produits.",
    ),
    "orders_failing": Text(
        "Les commandes de la boutique {shop} ne peuvent pas être importées",
        "Les nouvelles commandes et les annulations ne sont pas vues. Rien n'est perdu : "
        "elles seront importées dès que possible.",
        "Regardez le problème de l'import ; s'il ne nomme rien à corriger, prévenez "
        "l'opérateur de ce canal.",
    ),
    "order_due": Text(
        "La commande {order} doit être expédiée dans la journée",
        "Si elle n'est pas expédiée à temps, AliExpress peut l'annuler et la compter "
        "contre la boutique.",
        "Expédiez-la et saisissez le numéro de suivi.",
    ),
    "order_late": Text(
        "La commande {order} est en retard",
        "Le délai d'expédition est passé ; AliExpress peut l'annuler à tout moment.",
        "Expédiez-la tout de suite, ou convenez d'une prolongation avec l'acheteur dans "
        "l'espace vendeur.",
    ),
    "order_unreadable": Text(
        "La commande {order} est illisible",
        "Elle n'est pas dans la liste des commandes ; la lecture est retentée toute seule.",
        "Traitez-la dans l'espace vendeur d'ici là, et prévenez l'opérateur de ce canal.",
    ),
    "parcel_refused": Text(
        "AliExpress a refusé un colis de la commande {order}",
        "Pour AliExpress, la commande n'est pas expédiée.",
        "Lisez la raison dans la commande, corrigez le transporteur ou le numéro de suivi "
        "et renvoyez le colis.",
    ),
    "webhook_disabled": Text(
        "Le point d'accès webhook {endpoint} a été désactivé",
        "Le système derrière lui n'est plus prévenu des problèmes.",
        "Réparez ce système, puis réactivez le point d'accès ; les envois peuvent être rejoués.",
    ),
}
