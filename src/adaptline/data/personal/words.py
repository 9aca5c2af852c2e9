"""Words that tell what a number is: a telephone number, a card, a national number in general.

Knows some fifty languages as texts and forms write them; words for one country's national number stand beside its check.
Where words are written without spaces or take endings, a stem counts inside of a longer word.
"""

# ruff: noqa: RUF001 - words of other scripts

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from adaptline.data.personal.page import word

_ENGLISH = (
    r"ssns?",
    r"social[ _-]?(?:security|insurance)",
    r"national[ _-]?(?:id|ids|identity|identification|identifier|insurance|number)(?:[ _-]?(?:no|number|card|code))?",
    r"(?:personal|identity|identification|citizen|resident)[ _-]?(?:id|code|no|numbers?|cards?)",
    r"id[ _-]?(?:cards?|document)",
    r"(?:tax|taxpayer|fiscal)[ _-]?(?:id|identification|number|code|no)",
)
_OTHERS = (
    r"document[oe]? (?:d'|de )ident\w+",
    r"n[úu]mero de ident\w+",
    r"num[ée]ro (?:national )?d.identit[ée]",
    r"(?:personal)?ausweis(?:-?n(?:umme)?r)?",
)
_INSIDE = ("身[份分][证證]", "رقم الهوية", "الرقم القومي", "कार्ड संख्या")


@lru_cache(maxsize=512)
def _compiled(names: tuple[str, ...], inside: tuple[str, ...]) -> re.Pattern[str]:
    return word(*names, *_ENGLISH, *_OTHERS, inside=[*inside, *_INSIDE])


def naming(*names: str, inside: Sequence[str] = ()) -> re.Pattern[str]:
    """An expression for these words, or for one that names such a number in general (as `word` of page.py)."""
    return _compiled(names, tuple(inside))


def abbreviated(*names: str) -> str:
    """Short names that are words of some language in small letters ("sin", "nas", "nie").

    They count in capitals, as somebody's ("mi rut"), as a number ("tin number") and as a key ("nie:").
    """
    either = "|".join(names)
    whose = r"(?:my|mi|tu|su|meu|seu|mon|votre|mein\w*|mijn|m[óo]j|min|mit|il mio) "
    return rf"(?-i:{either})|{whose}(?:{either})|(?:{either})(?:[ _-]?(?:numbers?|num|nr|n[°º])|(?=[\"']?[:=]))"


# "My number" with what may follow before the number itself; not the number of something: "mi número de pedido".
_MINE = (
    r"(?:my|his|her|our|their|meine|mon|mi|meu|il mio|mijn|mitt|mit|m[óo]j|moje|moj|mój|мой|мій) "
    r"(?:numbers?|nummer|numéro|número|numero|numer|číslo|broj|номер)|"
    r"a számom|nummeret mitt|numeroni|jestem pod numerem|numărul meu|numaram|номерът ми|nomor saya|số của tôi(?: là)?|αριθμός μου"
)
_IS = r"(?: (?:is|es|est|ist|to|je|è|é|är|er|on|este|е|є|είναι))?"
# Words that are much else, too: they tell only of the number that they touch, some only of one with the trunk prefix 0.
LABEL = re.compile(
    r"(?<![^\W_])(?:"
    rf"(?:{_MINE}){_IS} ?:?|(?:no|meu|pelo) zap:?|(?:my|his|her|your|our|their) cell:?(?: is)?"
    r"|(?:cell|cel|kom|mob|fijo|zap|portable|hp)\.? ?:|(?-i:[Pp]h|PH)(?:\.:?| ?:)|(?-i:Cell?|Kom|kom)\."
    r") ?[\"']? ?\Z",
    re.IGNORECASE,
)
LABEL_OF_TRUNK = re.compile(r"(?<![^\W_])(?:portable|kom\.|cell?|(?<!\d )(?<!\d)(?-i:HP)|mobil) \Z", re.IGNORECASE)
IS_MINE = re.compile(rf",? (?:is|est?|ist|är|er|è|é|to|je) (?:{_MINE})(?![^\W\d_])", re.IGNORECASE)
# What follows a number that counts or measures; the signs of currencies are seen to elsewhere.
COUNTED = re.compile(
    r" ?(?:eur(?:os?)?|usd|dollars?|pounds?|pesos|reais|kr|kron[eo]r|z[łl]|rupees|yen|yuan|units?|users?|cells?|items?|pieces|copies|times|tries"
    r"|rows?|records?|people|messages|samples|reads|steps|votes|subscribers|customers|devices|sold|sq\.?|tons|tonnes|volts?|ohms?|km|kg|mb|gb|ms|us)"
    r"(?![^\W_])",
    re.IGNORECASE,
)

_TRADE = r"(?![ _-](?:phones? )?(?:sales|sold|apps?|users?|devices?|games?|data|networks?|web|traffic|market|book|volume|revenue)(?![^\W_]))"
PHONE = word(
    # English
    rf"(?:(?:tele|cell)?phones?|mobiles?|sms|gsm){_TRADE}|phone_?(?:no|number|num)s?|tel(?:_?no)?|cell(?:ular)?[ _-]?(?:no|numbers?)|fax(?:es)?",
    r"whats-?app|hotline|landline|contact number|call (?:me|us|him|her|them)|text (?:me|us)|dial",
    r"reach (?:me|us) (?:at|on)|(?:give|drop) (?:me|us) a (?:ring|call)|contact (?:me|us|no|details)",
    # Germanic
    r"telefoon(?:nummer)?|telefon(?:nummer\w*)?|(?-i:Handy)|handynummer|mobil(?:e?nummer|tlf|telefon)?|mobiel(?:nummer)?|rufnummer|durchwahl",
    r"ruf\w* (?:mich|uns|bitte|unter)|anruf\w*|melde? dich|bel (?:me|mij|ons)|ring (?:mig|meg|til|oss)|tlf|tfn|s[ií]m[ai](?:n[úu]mer\w*)?|fars[ií]m[ai]\w*|fon|mob(?:ilnr|ilnummer)|erreich\w* (?:mich|uns)|bereik(?:baar|en op)|når (?:mig|meg)|fange mig",
    # Romance
    r"tel[eé]fonos?|tfno|t[ée]l[ée]phone|t[ée]l|num[ée]ro de portable|m[óo]vil|celular|telem[óo]vel|telefones?|cellulare",
    r"ll[áa]m(?:ar?)?(?:me|nos)|llame|fone|contact(?:ar(?:me|mi)|ame|o|ez)|contattar(?:mi|ci)|recapito|contato|comun[íi]quese|g[ăa]si[țt]i|appel(?:ez|le)-(?:moi|nous)|joignable|me joindre|chiam(?:ami|ate|atemi)|chiamare|lig(?:ue|ar)(?:-me| (?:para|pro|j[áa]))|sun[ăa]-m[ăa]|sună|suna[țt]i",
    # Slavic and Baltic in Latin script
    r"telefonu?|telefonsk\w*|tel[eé]fónne|kom[óo]rk\w*|mobitel|mob\.|zadzwo[nń]\w*|dzwo[nń]\w*|zavol\w*|volaj\w*|nazovi\w*|pokli[cč]\w*",
    r"t[āa]lr(?:uņa|unis|u[nņ]\w*)?|zvan\w+|skambin\w+|telefonas",
    # Finnic, Hungarian, Greek, Turkic
    r"puh|tavoitat (?:minut|meid[äa]t)|puhelin\w*|soita\w*|k[äa]nnykk\w*|helista\w*|mobiil\w*|telefoni\w*|telefonsz[áa]m\w*|h[íi]vj\w*|τηλ|κιν",
    r"cep|telefonum?|zəng|qo.?ng.?iroq|ara(?:y[ıi]n|yabilir\w*)|simu|rununu|nipigie|nambari yangu",
    # South-East Asia
    r"telp?|telepon|no\.? ?hp|hubungi|bimbit|telepono|tawag\w*|đt|đtdđ|di đ[ộo]ng|gọi|điện thoại|sđt",
    inside=[
        r"telefon|telefoon|puhelin|t[ée]l[ée]phon|(?<![A-Za-z])sms(?![A-Za-z])|смс",
        r"(?<![^\W_])тел(?:\.|еф|:)|телефон|моб(?:\.|[иі]л)|позвон|звон[иі]т|зателефон|дзвон|обади се|обади ми|позови|јави|қоңырау|ұялы",
        "дзвон|контакт(?:н|:)|за контакт|(?<![^\\W_])сот\\.|κιν\\.|επικοινων|kontakt:|iletişim|nolu hat|elérhető vagyok|mobilszám|sđt|liên hệ|(?<![^\\W_])wa:|no\\. hp",
        "τηλ[έε]φ[ωώ]ν|κινητ|καλ[έε]στε|πάρε με|հեռ|բջջ|զանգ|ტელ|მობ|დარეკ|დამირეკ",
        "המספר שלי|חייג|סלולר|رقمي|للتواصل|واتس|رسالة إلى|پیامک|شماره (?:من|تماس)|טלפון|טל[׳'\"]|נייד|פלאפון|תתקשר|התקשר|هاتف|جوال|موبايل|موبائل|اتصل|تلفون|محمول|تلفن|موبایل|همراه|تماس|فون|پر کال",
        "मेरा नंबर|संपर्क|व्हाट्सएप|হোয়াটসঅ্যাপ|আমার নম্বর|যোগাযোগ|फ़ोन|फोन|मोबाइल|कॉल|दूरभाष|ফোন|মোবাইল|কল কর|தொலைபேசி|கைபேசி|அழைக்க|ఫోన్|ഫോൺ|ಫೋನ್|ફોન|ਫ਼ੋਨ|ਫੋਨ",
        "โทร|ติดต่อ|มือถือ|เบอร์|ስልክ|ሞባይል|ይደውሉ|电话|電話|手机|手機|拨打|撥打|致电|致電|打给|打給|短信|短訊|簡訊|請打|联系(?:方式|电话|我|人)|聯絡|我的号码|我的號碼|微信|連絡先|携帯|전화|휴대폰|핸드폰|연락처|제 번호|내 번호",
    ],
)

CARD = word(
    r"(?:credit|debit)?[ _-]?cards?|(?<!\d )cc(?!:)|visa|master-?card|amex|american express|diners|jcb|maestro|unionpay",
    r"karten?(?:nummer)?|tarjetas?|(?:carte|carta) (?:bancaire|bleue|(?:de|di) (?:cr[ée]dit[oi]?|d[ée]bit[oi]?|paiement)|prepagata)|cartão|kaart",
    r"kort(?:et|ið|nummer\w*|[ -]?nr| ?(?=:))|kortti\w*|n(?:um[ée]ro|[°o])\.? de (?:la |ma |sa )?carte",
    r"kart[aęyuicoe]*|kartic\w*|cardul|kartı|kartu|kadi?(?! ?[^\W\d_])|kad kredit|kaarti?|kortel\w*|thẻ|κάρτα\w*",
    inside=[
        "kreditkart|kártya|kártyá|карт[аыиуеоқ]|картичк|картиц|картк|քարտ|ბარათ|כרטיס|بطاقة|کارت|کارڈ|कार्ड|কার্ড|அட்டை|บัตร|ካርድ",
        "信用卡|银行卡|銀行卡|卡号|卡號|カード|카드",
    ],
)
