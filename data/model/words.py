# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that the training data is made of, and the rule that keeps some of them back.

held_out(text) is the only thing that divides training from evaluation: a word,
a name or a scene whose checksum falls into one class of ten is never trained on.
"""
import zlib

COLOURS = {     # name: centre, and how far each channel may stray
    "red": ((216, 32, 32), (34, 26, 26)),
    "green": ((36, 156, 56), (34, 44, 34)),
    "blue": ((36, 74, 212), (32, 40, 40)),
    "yellow": ((245, 222, 44), (12, 22, 40)),
    "orange": ((246, 140, 24), (10, 18, 22)),
    "purple": ((130, 44, 166), (26, 24, 36)),
    "pink": ((250, 150, 190), (8, 34, 24)),
    "brown": ((122, 74, 34), (22, 16, 16)),
    "black": ((16, 16, 16), (16, 16, 16)),
    "white": ((248, 248, 248), (7, 7, 7)),
    "gray": ((134, 134, 134), (26, 26, 26)),
}
# Colours as people type them in a drawing program or a script; used unjittered part of the time.
PURE = {
    "red": [(255, 0, 0), (220, 20, 60), (200, 0, 0)],
    "green": [(0, 128, 0), (0, 200, 0), (34, 139, 34), (0, 255, 0)],
    "blue": [(0, 0, 255), (30, 60, 200), (30, 100, 230), (0, 0, 180)],
    "yellow": [(255, 255, 0), (255, 220, 0)],
    "orange": [(255, 165, 0), (255, 140, 0)],
    "purple": [(128, 0, 128), (150, 50, 200)],
    "pink": [(255, 192, 203), (255, 105, 180)],
    "brown": [(139, 69, 19), (150, 75, 0)],
    "black": [(0, 0, 0)],
    "white": [(255, 255, 255)],
    "gray": [(128, 128, 128), (150, 150, 150)],
}
SHAPES = ["circle", "square", "triangle", "star", "diamond", "cross", "ring", "heart", "moon", "rectangle"]
PLURAL = {s: s + "s" for s in SHAPES}
PLURAL["cross"] = "crosses"
PLACES = [["in the top left", "at the top", "in the top right"],
          ["on the left", "in the centre", "on the right"],
          ["in the bottom left", "at the bottom", "in the bottom right"]]

COMMON = """act add age ago air all and ant any ape apple arm art ask aunt away axe baby back bad bag bake ball
band bank bar barn base bat bath beach bean bear bed bee bell belt bench best big bike bird blue boat body bold bone
book boot born bowl box boy brave bread brick bridge bring broom brush bus bush busy butter button cabin cake call
calm camp can candle cap car card care carpet carrot cart castle cat cave chain chair chalk cheese cherry child city
clay clean clock cloud coat cobra coffee coin cold comb cook cool copper corn cotton cow crab cream crow crown cup
curtain dance dark dawn day deer desk dish dog doll door dove dragon dream dress drink drive drum duck dust eagle ear
early earth east easy edge egg elbow empty engine evening exit eye face fair fall family farm fast feather fence fern
field fig fine finger fire fish flag flame floor flower flute fly fog forest fork fox free fresh friend frog frost
fruit full game garden gate gift giant girl give glad glass globe glove goat gold good goose grape grass green ground
guitar hair hall hammer hand happy harbor hard hat hawk head heart help hen hero high hill home honey hood hook hope
horn horse hot house ice idea ink iron island ivory jacket jam jar jelly jewel join joke juice jump jungle keen keep
kettle key kind king kite knee knife knot lake lamp land last laugh lawn leaf lemon letter light lily lion list
little lock log long look lost loud love lucky lunch magic mail make man map maple market mask meadow meal melon metal
milk mill mind mint mirror moment money monkey month moon morning moss mother motor mountain mouse mouth music name
neat neck needle nest net new nice night noise north nose note number nurse nut oak oat ocean office oil old olive
onion open orange orchid otter oven owl page paint pan panda paper park party path peace peach pear pen pencil pepper
piano pie pig pillow pilot pin pine pink pipe place plain plant plate play plum pocket poem point pony pool poppy port
potato prince print proud puppy purse queen quick quiet quilt rabbit race radio rain ready red rice rich ride ring
river road robin rock roof room root rope rose round rug run salad salt sand school sea seed send shade shark sheep
shell shine ship shirt shoe shop short silk silver sing sister skirt sky sleep slow small smile smoke snail snow soap
sock sofa soft song soup south spider spoon spring square stamp star start steam step stone stop storm story stove
strong sugar summer sun swan sweet swim table tail tall tea tent thank thing tiger tiny toast today tomato tooth top
tower town toy track train tree truck tulip turtle uncle under valley velvet violet voice wagon walk wall walnut warm
wash watch water wave well west wet whale wheat wheel white wide wild wind window wing winter wise wolf wood wool word
work world yard year yellow yes young zebra zero welcome hello sale closed enter danger hotel pizza bakery taxi police
museum library station airport bottle camera circle coast corner desert dinner doctor driver flight guest hunter
kitten ladder leader lizard magnet marble mobile nature orange parrot pepper planet pocket rocket saddle sailor
season signal silver sponge stream sunset ticket timber tunnel turkey violin wallet weather wizard""".split()
COMMON = sorted({w for w in COMMON if 3 <= len(w) <= 8})

THINGS = """boat car bike house dog cat hat coat lamp book chair table cup drum kite ball bell clock guitar piano
horse bird fish ring box bag tent sled truck violin mirror sofa rug phone camera wagon shirt scarf umbrella
basket bottle""".split()
CITIES = """Paris London Rome Berlin Madrid Oslo Lisbon Vienna Athens Dublin Prague Cairo Lima Delhi Tokyo Seoul
Boston Chicago Denver Toronto Sydney Nairobi Helsinki Warsaw Geneva Milan Porto Bergen Quito Havana""".split()
JOBS = """baker doctor teacher farmer pilot nurse painter singer sailor cook driver gardener lawyer dancer writer
tailor hunter miner plumber judge""".split()
FOODS = """apples bread cheese rice soup honey plums grapes pizza salad pears beans noodles cake figs melons eggs
carrots olives pancakes""".split()
TCOL = ["red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white", "gray", "golden",
        "silver"]
ANIMALS = "dog cat horse rabbit parrot goat hamster turtle pony duck goose frog mouse owl sheep cow".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
CONS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl sh sl st th tr".split()
VOW = "a e i o u ai ea ee ia oo ou".split()
END = "n r s l t m k d x nd rt st ck ".split(" ")


def held_out(text):
    return zlib.crc32(text.lower().encode()) % 10 == 3


def syllables(r, n):
    s = ""
    for _ in range(n):
        s += CONS[int(r.random() * len(CONS))] + VOW[int(r.random() ** 2 * len(VOW))]
    if r.random() < 0.6:
        s += END[int(r.random() * len(END))]
    return s


def name(r, held):
    """An invented name, on the asked side of the division."""
    while True:
        s = syllables(r, 1 if r.random() < 0.25 else 2)
        if 3 <= len(s) <= 8 and held_out(s) == held:
            return s.capitalize()


def word(r, held):
    """A word to draw or to copy, 3 to 12 letters: common, invented, or (in training) any letters, which
    are what teaches reading letter by letter."""
    while True:
        k = r.random()
        if k < 0.25:
            s = COMMON[int(r.random() * len(COMMON))]
        elif k < 0.65 or held:
            s = syllables(r, 1 + int(r.random() * 5))
        else:
            s = "".join(chr(97 + int(r.random() * 26)) for _ in range(3 + int(r.random() * 10)))
        if 3 <= len(s) <= 12 and held_out(s) == held:
            return s


def number(r, held):
    while True:
        n = 1 + int(r.random() * 4)
        s = str(int(r.random() * 10 ** n))
        if held_out("n" + s) == held:
            return s
