"""What stands in mails, in each language; one missing somewhere is a fault of types. Pure."""

from dataclasses import dataclass

from auth_service.languages import Language


@dataclass(frozen=True)
class Phrases:
    """All phrases of one language; braces are filled in."""

    language: Language
    hello: str
    invitation_subject: str
    invitation_text: str
    invitation_button: str
    reset_subject: str
    reset_text: str
    reset_button: str
    reset_ignore: str
    link_expires: str
    opened: str
    updated: str
    reminded: str
    closed: str
    closed_text: str
    closed_times: str
    remedy: str
    since: str
    ended: str
    shop_account: str
    details: str
    renew_button: str
    open_button: str
    digest_subject: str
    digest_text: str
    digest_more: str
    test_subject: str
    test_text: str
    footer_trouble: str
    footer_account: str


ENGLISH = Phrases(
    language="en",
    hello="Hello {name},",
    invitation_subject="You are invited to work for {name}",
    invitation_text="You are invited to work for {name} on AliExpress Channel. Accept the"
    " invitation and choose a password:",
    invitation_button="Accept the invitation",
    reset_subject="Choose a new password",
    reset_text="Somebody asked for a new password for this address on AliExpress Channel.",
    reset_button="Choose a new password",
    reset_ignore="If it was not you, you need not do anything: the old one stays.",
    link_expires="The link can be used once, until {expires_at}.",
    opened="{title}",
    updated="Still to do: {title}",
    reminded="Reminder: {title}",
    closed="Over: {title}",
    closed_text="This is over; nothing has to be done.",
    closed_times="It came and went {times} times.",
    remedy="What to do: {remedy}",
    since="since",
    ended="ended",
    shop_account="merchant",
    details="Details",
    renew_button="Renew the connection",
    open_button="Open it",
    digest_subject="{count} messages about {name}",
    digest_text="Much happened at once; here it is in one mail.",
    digest_more="and {count} more",
    test_subject="Test mail for {name}",
    test_text="This is the test you asked for: mails about {name} reach you.",
    footer_trouble="You get this mail because you work for {name}. What you are told of can be set"
    " under alerts.",
    footer_account="This mail was sent by AliExpress Channel.",
)
FRENCH = Phrases(
    language="fr",
    hello="Bonjour {name},",
    invitation_subject="Vous êtes invité à travailler pour {name}",
    invitation_text="Vous êtes invité à travailler pour {name} sur AliExpress Channel. Acceptez"
    " l'invitation et choisissez un mot de passe :",
    invitation_button="Accepter l'invitation",
    reset_subject="Choisir un nouveau mot de passe",
    reset_text="Quelqu'un a demandé un nouveau mot de passe pour cette adresse sur AliExpress"
    " Channel.",
    reset_button="Choisir un nouveau mot de passe",
    reset_ignore="Si ce n'était pas vous, il n'y a rien à faire : l'ancien reste valable.",
    link_expires="Le lien ne sert qu'une fois, jusqu'au {expires_at}.",
    opened="{title}",
    updated="Toujours à faire : {title}",
    reminded="Rappel : {title}",
    closed="Terminé : {title}",
    closed_text="C'est terminé ; il n'y a rien à faire.",
    closed_times="Le problème est revenu {times} fois.",
    remedy="Que faire : {remedy}",
    since="depuis",
    ended="fin",
    shop_account="marchand",
    details="Détails",
    renew_button="Renouveler la connexion",
    open_button="Ouvrir",
    digest_subject="{count} messages sur {name}",
    digest_text="Beaucoup de choses à la fois ; les voici en un seul message.",
    digest_more="et {count} de plus",
    test_subject="Message d'essai pour {name}",
    test_text="Voici l'essai demandé : les messages sur {name} vous parviennent.",
    footer_trouble="Vous recevez ce message parce que vous travaillez pour {name}. Ce dont vous"
    " êtes prévenu se règle dans les alertes.",
    footer_account="Ce message a été envoyé par AliExpress Channel.",
)
SPANISH = Phrases(
    language="es",
    hello="Hola {name}:",
    invitation_subject="Le invitan a trabajar para {name}",
    invitation_text="Le invitan a trabajar para {name} en AliExpress Channel. Acepte la invitación"
    " y elija una contraseña:",
    invitation_button="Aceptar la invitación",
    reset_subject="Elegir una contraseña nueva",
    reset_text="Alguien pidió una contraseña nueva para esta dirección en AliExpress Channel.",
    reset_button="Elegir una contraseña nueva",
    reset_ignore="Si no fue usted, no tiene que hacer nada: la anterior sigue valiendo.",
    link_expires="El enlace sirve una sola vez, hasta el {expires_at}.",
    opened="{title}",
    updated="Sigue pendiente: {title}",
    reminded="Recordatorio: {title}",
    closed="Terminado: {title}",
    closed_text="Ha terminado; no hay que hacer nada.",
    closed_times="El problema volvió {times} veces.",
    remedy="Qué hacer: {remedy}",
    since="desde",
    ended="fin",
    shop_account="comerciante",
    details="Detalles",
    renew_button="Renovar la conexión",
    open_button="Abrir",
    digest_subject="{count} mensajes sobre {name}",
    digest_text="Muchas cosas a la vez; aquí están en un solo mensaje.",
    digest_more="y {count} más",
    test_subject="Mensaje de prueba para {name}",
    test_text="Esta es la prueba que pidió: los mensajes sobre {name} le llegan.",
    footer_trouble="Recibe este mensaje porque trabaja para {name}. De qué se le avisa se ajusta en"
    " las alertas.",
    footer_account="AliExpress Channel envió este mensaje.",
)
PHRASES: dict[Language, Phrases] = {"en": ENGLISH, "fr": FRENCH, "es": SPANISH}
