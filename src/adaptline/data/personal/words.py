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


# "My number" with what may follow before the number itself; not the number of something: "mi número de pedido".
_MINE = (
    r"(?:my|his|her|our|their|meine|mon|mi|meu|il mio|mijn|mitt|mit|m[óo]j|moje|moj|mój|мой|мій) "
    r"(?:numbers?|nummer|numéro|número|numero|numer|číslo|broj|номер)|"
    r"a számom|nummeret mitt|numeroni|tavoitat|jestem pod numerem|numărul meu|numaram|номерът ми|nomor saya|số của tôi(?: là)?|αριθμός μου"
)
_IS = r"(?: (?:is|es|est|ist|is|to|je|è|é|är|er|on|este|е|є|είναι))?(?! [^\W\d_])"

PHONE = word(
    # English
    r"(?:tele|smart|cell)?phones?|phone_?(?:no|number|num)s?|tel(?:_?no)?|mobiles?(?! (?:sales|apps?|users?|devices?|games?|data|networks?|web|traffic)\b)|cell(?:ular)?s?|fax(?:es)?",
    r"whats-?app|sms|hotline|landline|contact number|call (?:me|us|him|her|them)|text (?:me|us)|dial",
    r"ph|reach (?:me|us) (?:at|on)|(?:give|drop) (?:me|us) a (?:ring|call)|contact (?:me|us|no|details)",
    rf"(?:{_MINE}){_IS}",
    # Germanic
    r"telefoon(?:nummer)?|telefon(?:nummer\w*)?|handy(?:nummer)?|mobil(?:e?nummer|tlf|telefon)?|mobiel(?:nummer)?|rufnummer|durchwahl",
    r"ruf\w* (?:mich|uns|bitte|unter)|anruf\w*|melde? dich|bel (?:me|mij|ons)|ring (?:mig|meg|til|oss)|tlf|tfn|s[ií]m[ai](?:n[úu]mer\w*)?|fars[ií]m[ai]\w*|gsm|fon|mob(?:ilnr|ilnummer)|erreich\w* (?:mich|uns)|bereik(?:baar|en op)|når (?:mig|meg)|fange mig",
    # Romance
    r"tel[eé]fonos?|tfno|t[ée]l[ée]phone|t[ée]l|portable|m[óo]vil|celular|telem[óo]vel|telefones?|cellulare|fijo",
    r"ll[áa]m(?:ar?)?(?:me|nos)|llame|cel|cell|fone|zap|contact(?:ar(?:me|mi)|ame|o|ez)|contattar(?:mi|ci)|recapito|contato|comun[íi]quese|g[ăa]si[țt]i|appel(?:ez|le)-(?:moi|nous)|joignable|me joindre|chiam(?:ami|ate|atemi)|chiamare|lig(?:ue|ar)(?:-me)?|sun[ăa](?:-m[ăa]|ți|ti)?",
    # Slavic and Baltic in Latin script
    r"telefonu?|telefonsk\w*|tel[eé]fónne|kom[óo]rka|kom\.|mobitel|mob\.|mob:|zadzwo[nń]\w*|dzwo[nń]\w*|zavol\w*|volaj\w*|nazovi\w*|pokli[cč]\w*",
    r"t[āa]lr(?:uņa|unis|u[nņ]\w*)?|zvan\w+|skambin\w+|telefonas",
    # Finnic, Hungarian, Greek, Turkic
    r"puh|puhelin\w*|soita\w*|k[äa]nnykk\w*|helista\w*|mobiil\w*|telefoni\w*|telefonsz[áa]m\w*|h[íi]vj\w*|τηλ|κιν",
    r"cep|telefonum?|zəng|qo.?ng.?iroq|ara(?:y[ıi]n|yabilir\w*)|simu|rununu|nipigie|nambari yangu",
    # South-East Asia
    r"telp?|telepon|hp ?:|no\.? ?hp|hubungi|bimbit|telepono|tawag\w*|đt|đtdđ|di đ[ộo]ng|gọi|điện thoại|sđt",
    inside=[
        r"telefon|telefoon|puhelin|t[ée]l[ée]phon|(?<![A-Za-z])sms(?![A-Za-z])|смс",
        r"(?<![^\W_])тел(?:\.|еф|:)|телефон|моб(?:\.|[иі]л)|позвон|звон[иі]т|зателефон|дзвон|обади се|обади ми|позови|јави|қоңырау|ұялы",
        "дзвон|контакт(?:н|:)|за контакт|(?<![^\\W_])сот\\.|κιν\\.|επικοινων|kontakt:|iletişim|nolu hat|elérhető vagyok|mobilszám|sđt|liên hệ|(?<![^\\W_])wa:|no\\. hp",
        "τηλ[έε]φ[ωώ]ν|κινητ|καλ[έε]στε|πάρε με|հեռ|բջջ|զանգ|ტელ|მობ|დარეკ|დამირეკ",
        "המספר שלי|חייג|סלולר|رقمي|للتواصل|واتس|رسالة إلى|پیامک|شماره (?:من|تماس)|טלפון|טל[׳'\"]|נייד|פלאפון|תתקשר|התקשר|هاتف|جوال|موبايل|موبائل|اتصل|تلفون|محمول|تلفن|موبایل|همراه|تماس|فون|پر کال",
        "मेरा नंबर|संपर्क|व्हाट्सएप|হোয়াটসঅ্যাপ|আমার নম্বর|যোগাযোগ|फ़ोन|फोन|मोबाइल|कॉल|दूरभाष|ফোন|মোবাইল|কল কর|தொலைபேசி|கைபேசி|அழைக்க|ఫోన్|ഫോൺ|ಫೋನ್|ફોન|ਫ਼ੋਨ|ਫੋਨ",
        "โทร|ติดต่อ|มือถือ|เบอร์|ስልክ|ሞባይል|ይደውሉ|电话|電話|手机|手機|拨打|撥打|致电|致電|打给|打給|短信|短訊|簡訊|請打|联系(?:方式|电话|我|人)|聯絡|我的号码|我的號碼|微信|連絡先|携帯|전화|휴대폰|핸드폰|연락처|제 번호|내 번호|(?<![^\\W_])hp ",
    ],
)

CARD = word(
    r"(?:credit|debit)?[ _-]?cards?|cc|visa|master-?card|amex|american express|diners|discover|jcb|maestro|unionpay",
    r"karten?(?:nummer)?|tarjetas?|cart(?:e|a|ão) (?:bancaire|de cr[ée]dit[oi]?)|carta|cartes?|cartão|kaart|kort(?:et|ið|nummer)?|kortti\w*",
    r"kart[aęyuicoe]*|kartic\w*|cardul|kartı|kartu|kad|kadi|kaarti?|kortel\w*|thẻ|κάρτα\w*",
    inside=[
        "kreditkart|kártya|kártyá|карт[аыиуеоқ]|картичк|картиц|картк|քարտ|ბარათ|כרטיס|بطاقة|کارت|کارڈ|कार्ड|কার্ড|அட்டை|บัตร|ካርድ",
        "信用卡|银行卡|銀行卡|卡号|卡號|カード|카드",
    ],
)
