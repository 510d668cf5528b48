"""Which part of the body a file's words name: the chest, another one, none, or one not known here.

Only a part that is known to be another one is a reason to stop: nobody knows the chest's name in
all languages, and the pixels are checked too. All words are as ``plain_words`` makes them.
"""

import re
from typing import Literal

from cxr_core.imaging.dicom.words import plain_words

BodyPart = Literal["chest", "other", "nothing", "unknown"]

_CHEST_PATTERN = re.compile(
    r"CHEST|\bCHST\b|THORA[XK]|THORACI|TORA[XKC]|LUNG|\bTHX\b|\bCXR\b|MEDIASTIN|RIB ?CAGE"
    r"|\bBRUST(KORB)?\b|POITRINE|POUMON|\bPECHO\b|PULM[OA]|POLMON|\bPETTO\b|\bPEITO\b|\bPLAMAN"
    r"|\bBORST(KAS)?\b|\bLONGEN\b|\bBRYST(KASSE)?\b|BROST(KORG)?\b|\bBRJOST|KEUHKO|\bRINTA(KEHA)?\b"
    r"|RINNAKORV|\bRIND(KERE)?\b|\bKOPSU|\bKRUSKURV|\bKRUTIS\b|KRUTIN|\bPLAUS|PLAUC"
    r"|KLATK|\bPLUC|\bPLJUC|\bPLIC|\bHRUD|\bGRUD|\bPRSA\b|\bPRSN|\bMELLKAS|\bTUDO"
    r"|\bGOGUS\b|AKCIGER|\bGJOKS|\bMUSHKER|\bHEART\b|\bCOR\b|\bDADA\b|\bPARU\b|\bNGUC\b|\bPHOI\b"
    r"|\bDIBDIB\b|\bKIFUA\b|ГРУД|ГРЪД|ГРАДЕН|ЛЕГК|ЛЕГЕН|БЯЛ ДРОБ|БЕЛИ? ДРОБ|ПЛУЋ|\bОГК\b"
    r"|ΘΩΡΑΚ|ΘΩΡΑΞ|ΠΝΕΥΜ|胸|肺|흉부|흉곽|가슴|폐|صدر|رية|ريت|ریه|سینه|سينه|חזה|ריא|ทรวงอก|ปอด|หน้าอก"
    r"|छाती|वक्ष|फेफड|বুক|ফুসফুস|மார்பு|நுரையீரல்|ᲒᲣᲚᲛᲙᲔᲠᲓ|ᲤᲘᲚᲢᲕ|ԿՐԾՔ|ԹՈՔ"
)
# Of the chest by their words, and yet another part: its spine, its vessels, the breast.
_NEAR_THE_CHEST_PATTERN = re.compile(
    r"SPINE|SPINAL|WIRBEL|COLUMN|COLONN|COLUNA|VERTEBR|RACHI|KREGOSL|RYGG|\bBWS\b|RINTARANKA"
    r"|OMURGA|ПОЗВОН|ХРЕБ|椎|흉추|흉요추|CORONAR|MAMMO|MAMMA"
)
# DICOM's own terms (PS3.16, annex L) and what they are called elsewhere.
_OTHER_PATTERN = re.compile(
    # Head and neck.
    r"\b(HEAD|SKULL|CRANI\w*|BRAIN|FACE|FACIAL|NOSE|NASAL|SINUS\w*|ORBITS?|EYES?|EARS?|MASTOID\w*"
    r"|JAWS?|MANDIB\w*|MAXILL\w*|TMJ|MOUTH|TEETH|TOOTH|DENTAL|TONGUE|NECK|LARYNX|PHARYNX|CAROTID\w*"
    r"|ZYGOMA\w*|SCHADEL|KOPF|HIRN|GESICHT|KIEFER|ZAHNE?|HALS|TETE|CRANE|CERVEAU|DENTS?|COU"
    r"|CABEZA|CRANEO|CARA|DIENTES|CUELLO|CABECA|DENTES|PESCOCO|TESTA|DENTI|COLLO|HOOFD|SCHEDEL|NEK"
    r"|HUVUD|SKALLE|HODE|HOVED|KALLO|PAA|GLOWA|CZASZKA|SZYJA|HLAVA|LEBKA|FEJ|KOPONYA|NYAK"
    r"|KAFA|BOYUN|ЧЕРЕП|ГОЛОВ\w*|ШЕ[ЯИ]|ЗУБ\w*|ΚΕΦΑΛ\w*|ΚΡΑΝΙΟ)\b|頭|头|顱|颅|歯|牙|頸|颈|머리|두부|두개|경부|رأس"
    r"|ראש|กะโหลก"
    # Spine, belly, pelvis.
    r"|SPINE|SPINAL|WIRBEL|COLUMN|COLONN|COLUNA|VERTEBR|RACHI|KREGOSL|RYGG|POZVON|OMURGA|ПОЗВОН"
    r"|ХРЕБ|椎|척추|요추|\b([CTL]|LS)[ -]?SP\w*|\b[BHL]WS\b|LUMBA\w*|\bLUMBO\w*|DORSOLUM|THORACOLUM"
    r"|SACR[UOA]\w*|COCCY\w*|\b(NECK|BACK|DORSAL)\b"
    r"|ABDOM|\b(BAUCH|VENTRE|VIENTRE|PANCIA|BUIK|BUK|MAVE|VATSA|BRZUCH\w*|BRICHO|HAS|KARIN|PERUT"
    r"|STOMACH|MAGEN|ESTOMA\w*|OESOPH\w*|ESOPH\w*|COLON|BOWEL|LIVER|SPLEEN|PANCREAS|GALLBLADDER"
    r"|KIDNEYS?|KUB|BLADDER|URETER\w*|URETHRA|PROSTATE|UTERUS|IVP|IVU|BNO|NIEREN?|REINS?|RINON\w*)\b"
    r"|ЖИВОТ|БРЮШ|ΚΟΙΛΙ|腹|복부|بطن|בטן|ท้อง"
    r"|PELVI|\b(HIPS?|ILIUM|GROIN|BECKEN|HUFTE\w*|BASSIN|HANCHE\w*|CADERA\w*|BACIA|QUADRIL|BACINO"
    r"|ANCA|ANCHE|BEKKEN|HEUP|BACKEN|HOFT\w*|LANTIO|LONKKA|MIEDNICA|BIODRO|PANEV|KYCEL|MEDENCE"
    r"|CSIPO|BAZIN|SOLD|KALCA|ТАЗ|БЕДР\w*|ΛΕΚΑΝ\w*|ΙΣΧΙΟ)\b|骨盆|骨盤|髋|股関節|골반|고관절|حوض|אגן"
    # Shoulder and arm.
    r"|\b(SHOULDER|CLAVIC\w*|SCAPULA|AXILLA|ARM|HUMERUS|ELBOW|FOREARM|RADIUS|ULNA|WRIST|HANDS?"
    r"|FINGERS?|THUMB|UPPER (EXTREMITY|LIMB)|SCHULTER|SCHLUSSELBEIN|OBERARM|UNTERARM|ELLENBOGEN"
    r"|HANDGELENK|FINGER|DAUMEN|EPAULE|BRAS|COUDE|POIGNET|MAINS?|DOIGTS?|HOMBRO|BRAZO|CODO|MUNECA"
    r"|MANOS?|DEDOS?|OMBRO|BRACO|COTOVELO|PUNHO|MAOS?|SPALLA|BRACCIO|GOMITO|POLSO|DIT[OA]|SCHOUDER"
    r"|ELLEBOOG|POLS|VINGER|AXEL|SKULDER|ARMBAGE|ALBUE|HANDLED|HAANDLED|OLKA\w*|KYYNAR\w*|RANNE|KASI"
    r"|BARK|LOKIEC|NADGARSTEK|REKA|DLON|RAMENO|LOKET|ZAPESTI|RUKA|KONYOK|CSUKLO|KEZ|UMAR|COT"
    r"|MANA|OMUZ|DIRSEK|BILEK|ПЛЕЧ\w*|ЛОК\w*|КИСТ\w*|РУК\w*|ПАЛЕЦ|ПАЛЬЦ\w*|ΩΜΟΣ|ΧΕΡΙ|ΑΓΚΩΝΑΣ)\b"
    r"|肩|肘|腕|手|指|어깨|팔꿈치|손|يد|كتف|כתף|מרפק|כף יד|มือ|ไหล่"
    # Leg.
    r"|\b(THIGH|FEMUR|FEMORAL|KNEES?|PATELLA|TIBIA|FIBULA|LEGS?|CALF|ANKLES?|HEEL|CALCAN\w*|FOOT|FEET"
    r"|TOES?|(LOWER )?(EXTREMITY|LIMBS?)|OBERSCHENKEL|UNTERSCHENKEL|KNIE|BEIN|SPRUNGGELENK|FUSS?"
    r"|FERSE|ZEHEN?|CUISSE|GENOUX?|JAMBES?|CHEVILLE|PIEDS?|ORTEILS?|MUSLO|RODILLAS?|PIERNAS?|TOBILLO"
    r"|PIES?|COXA|JOELHOS?|PERNAS?|TORNOZELO|PES?|COSCIA|GINOCCHI[OA]|GAMBA|CAVIGLIA|PIED[EI]"
    r"|ENKEL|BEEN|VOET|KNA|KNE|FOT|FOD|BEN|ANKEL|POLVI|NILKKA|JALKA|KOLANO|NOGA|KOSTKA|STOPA|KOLENO"
    r"|NOHA|KOTNIK|TERD|BOKA|GENUNCHI|PICIOR|GLEZNA|DIZ|AYAK|BACAK|КОЛЕН\w*|НОГ\w*|СТОП\w*"
    r"|ГОЛЕН\w*|ΓΟΝΑΤΟ|ΠΟΔΙ)\b|膝|足|踝|脚|腿|무릎|발|ركبة|قدم|ברך|רגל|เข่า|เท้า"
    # The rest.
    r"|\b(BREASTS?|MAMM?A\w*|SEIN|SENO|STERNUM|RIBS?|RIPPEN|COTES|COSTILLAS?|COSTELAS?|COSTE"
    r"|CORONAR\w*|AORTA|HEARTVESSEL|JOINTS?|EXTREMIT\w*|PHANTOM|LONG BONES?|BONES?|SKELET\w*)\b"
)
# What stands in the tag of a machine that was not told.
_NOTHING_PATTERN = re.compile(
    r"(UNKNOWN|UNK|OTHERS?|NONE|NULL|NO|NA|N A|(NOT|NONE) (SPECIFIED|DEFINED|APPLICABLE|KNOWN|"
    r"STATED|GIVEN|SET)|UNDEF(INED)?|UNSPEC(IFIED)?|UNASSIGNED|DEFAULT|GENERAL|GENERIC|STANDARD|"
    r"MISC|MISCELLANEOUS|VARIOUS|DIVERS|ANY|ALL|EMPTY|BLANK|TBD|BODY|BODYPART|BODY PART|"
    r"BODY PART EXAMINED|WHOLE ?BODY|XRAY|X RAY|RX|PORT|PORTABLE|RADIOGRAPH|DX|CR|DR|"
    r"EXAM|EXAMINATION|IMAGE|TRUNK|TORSO|UPPER BODY|TEST|ROUTINE|EXTRA|CUSTOM|USER( DEFINED)?|"
    r"ERECT|UPRIGHT|STANDING|SUPINE|BUCKY|TABLE|WALL( STAND)?|STAND|FREE( EXPOSURE)?|BEDSIDE|BETT|"
    r"UNBEKANNT|SONSTIGE[SR]?|ANDERE[SR]?|KEINE?( ANGABE)?|INCONNU|AUTRES?|AUCUNE?|"
    r"NON (PRECISE|RENSEIGNE|SPECIFICATO|DEFINITO)|DESCONOCID[OA]|OTR[OA]S?|NINGUN[OA]|"
    r"INDEFINID[OA]|INDETERMINAD[OA]|(SIN|NO) (DATOS|APLICA|DEFINID[OA]|ESPECIFICA(R|DO))|"
    r"DESCONHECID[OA]|OUTR[OA]S?|NENHUM|NAO (INFORMADO|ESPECIFICADO|DEFINIDO)|"
    r"SCONOSCIUT[OA]|ALTR[OA]|"
    r"NESSUN[OA]|ONBEKEND|OVERIGE?|OKAND|ANNAN|UKENDT|UKJENT|ANNE[NT]|TUNTEMATON|MUU|NIEZNAN[AEY]|"
    r"INN[AEY]|BRAK|NEZNAM[YAE]|JIN[YAE]|EGYEB|ISMERETLEN|NECUNOSCUT|ALTUL|BILINMIYOR|DIGER|"
    r"НЕИЗВЕСТН\w+|НЕ (УКАЗАН|ОПРЕДЕЛЕН|ЗАДАН)\w*|НЕТ|ДРУГОЕ|ИНОЕ|ΑΓΝΩΣΤΟ|ΑΛΛΟ|"
    r"未知|不[明详詳]|其他|その他|"
    r"기타|미상|غير معروف|غير محدد|اخرى|לא ידוע|אחר|ไม่ทราบ|อื่น ?ๆ|अज्ञात|X+|\d+)?"
)


def body_part_of(text: str) -> BodyPart:
    """What a file's words, as in BodyPartExamined, name."""
    words = plain_words(text)
    if _NOTHING_PATTERN.fullmatch(words):
        return "nothing"
    if _CHEST_PATTERN.search(words) and not _NEAR_THE_CHEST_PATTERN.search(words):
        return "chest"
    if _NEAR_THE_CHEST_PATTERN.search(words) or _OTHER_PATTERN.search(words):
        return "other"
    return "unknown"
