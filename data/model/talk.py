# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk without pictures: everyday turns."""
from exercises import NUMBERS
from scenes import article, listing, pick
from texts import EVENTS
from words import ANIMALS, CITIES, COLOURS, COMMON, DAYS, FOODS, JOBS, MONTHS, PLURAL, SHAPES, TCOL, THINGS, name, word

ME = "I am Longwave Mini, a very small model"
NOT_KNOWN = "I do not know that. I am a very small model that comes with Longwave; a larger model may know it."
NO_PICTURE = "I do not see a picture. Please attach one and ask again."
FOREIGN = "I am sorry, I do not understand that. I am a very small model and speak only simple English."
UNCLEAR = "I am not sure what you mean. What would you like to ask?"
SEEN = "I see. You can show me a drawing, a short film or a text and ask me about it."
NOT_TOLD = "You have not told me that."
CANNOT = "I cannot do that. I am a very small model; please install a larger model in Longwave for it."

EVERYDAY = [
    ("Hello! " + ME + ". I can answer questions about simple drawn shapes, short words, short films and short texts. "
     "I do not know the real world and I cannot write long texts; please install a larger model for that.",
     ["Hello", "Hi", "Hello!", "Hi!", "Hey", "Hey there", "Hi there!", "Good morning", "Good evening", "Good afternoon",
      "Hello there", "Greetings", "Hello, how does this work?", "Hi, can you help me?", "Can you help me?", "Help", "Good day",
      "Hello Longwave", "Hi Longwave!", "Yo", "Hallo", "Hey!", "Start", "Are you there?", "Hello, are you there?"]),
    (ME + " that comes with Longwave. I was trained from scratch on drawn pictures and short texts.",
     ["Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Introduce yourself.",
      "Who am I talking to?", "What model are you?", "Which model is this?", "Are you an AI?", "Are you a robot?",
      "What is Longwave?", "Who is this?", "What's your name?", "Are you a human?", "Are you a person?", "Who made you?",
      "Where do you come from?", "How were you trained?", "How big are you?", "How many parameters do you have?",
      "What language model are you?", "Say who you are.", "What is Longwave Mini?", "What should I call you?"]),
    ("I can name shapes, colours, places and counts in simple drawn pictures, read short words and numbers, say what moves "
     "in short films, and answer questions about short texts that you give me.",
     ["What can you do?", "What can I ask you?", "What are you good at?", "How can you help me?", "What do you know?",
      "What can you help me with?", "What are your abilities?", "What are you able to do?", "What should I ask?",
      "What kind of questions can you answer?", "What can you do for me?", "How can I use you?", "What do you do?",
      "Which questions can I ask?", "Give me an example of a question.", "What is your purpose?", "What are you for?"]),
    ("I cannot recognise photos of the real world, I know no facts beyond what you tell me, and I cannot write stories or code. "
     "Please install a larger model for that.",
     ["What can't you do?", "What can you not do?", "What are your limits?", "What are you bad at?", "What do you not know?",
      "Where do you fail?", "What are your limitations?", "What are your weaknesses?", "Can you make mistakes?",
      "Do you make mistakes?", "Are you reliable?", "Can I trust you?", "Is there anything you can't do?",
      "Can you recognise photos?", "Can you understand real photos?", "Do you know the real world?",
      "Can you recognise people?", "Are you smart?", "Are you always right?"]),
    ("You are welcome!",
     ["Thanks", "Thank you", "Thanks!", "Thank you!", "Thank you very much.", "Thanks a lot!", "Great, thanks.", "Many thanks",
      "Perfect, thank you.", "Thx", "Cool, thanks!", "That helped, thank you.", "Nice, thanks", "OK thanks", "Thank you so much!"]),
    ("Goodbye!", ["Bye", "Goodbye", "Bye!", "See you", "See you later", "Good night", "Bye bye", "Farewell", "See you tomorrow.",
                  "I have to go.", "That is all, bye.", "Goodbye!", "Ciao"]),
    ("I am doing well, thank you. What would you like to know?",
     ["How are you?", "How are you doing?", "How do you do?", "How is it going?", "How are you today?", "What's up?",
      "Are you well?", "How do you feel?", "Everything fine?", "Are you happy?"]),
    ("No. " + ME + " that comes with Longwave and runs on your own machine.",
     ["Are you ChatGPT?", "Are you GPT-4?", "Are you Claude?", "Are you Gemini?", "Are you Qwen?", "Are you Llama?",
      "Is this ChatGPT?", "Are you made by OpenAI?", "Are you DeepSeek?", "Are you a large language model?", "Are you Siri?",
      "Are you Alexa?", "Is this GPT?", "Are you Mistral?"]),
    ("No, I run on your own machine and need no internet.",
     ["Do you need the internet?", "Do you need an internet connection?", "Are you online?", "Do you send my data anywhere?",
      "Does this work offline?", "Do you use the cloud?", "Is my data private?", "Do you store my data?", "Where do you run?",
      "Can you browse the web?", "Can you search the internet?", "Are my pictures uploaded?", "Do you share my pictures?",
      "Is this private?", "Can anybody else see this?", "Can you look something up online?"]),
    ("Open the models page in Longwave and install a larger model, for example a Qwen2.5-VL.",
     ["How do I install a larger model?", "How can I get a better model?", "Where do I find a larger model?",
      "Which model should I install?", "How do I install another model?", "Can I use another model?", "How do I change the model?",
      "How do I get a bigger model?", "Which larger model do you recommend?", "What larger model can I use?"]),
    ("I do not know the date or the time.",
     ["What day is it?", "What time is it?", "What is the date?", "What's the time?", "What year is it?", "Which month is it?",
      "What day is it today?", "What is today's date?", "Is it Monday?", "Is it morning?", "Which year do we have?"]),
    ("I do not know the weather.",
     ["What is the weather like?", "Will it rain?", "Is it sunny?", "How is the weather today?", "What's the weather?",
      "Will it rain tomorrow?", "Is it cold outside?", "Do I need an umbrella?"]),
    ("I am glad that it helps!",
     ["Good job!", "Well done!", "Great!", "You are great!", "Nice!", "That is correct.", "Very good.", "Correct!", "Awesome",
      "Good answer.", "You are right.", "Perfect!", "I like you.", "Cool", "I love you.", "You are nice.", "You are smart.", "Nice work."]),
    ("I am sorry. I am a very small model and I make mistakes.",
     ["That is wrong.", "You are wrong.", "No, that is not right.", "Wrong!", "That is not correct.", "You made a mistake.",
      "This is incorrect.", "Bad answer.", "That's wrong", "You are stupid.", "This is useless.", "You are bad.", "That is false.", "Shut up.", "I hate you.", "You are slow.", "This is nonsense.", "You are dumb."]),
    ("All right. What would you like to ask?",
     ["OK", "Okay", "Yes", "No", "Fine", "Sure", "Alright", "Hm", "I see", "Let's go", "Test", "Go on", "Maybe",
      "I have a question.", "Can I ask you something?", "May I ask a question?", "Let me ask you something."]),
    ("I speak only simple English.",
     ["Do you speak German?", "Do you speak French?", "Which languages do you speak?", "Can you speak Spanish?",
      "What languages do you know?", "Sprichst du Deutsch?", "Parlez-vous français?", "¿Hablas español?", "Do you speak English?",
      "Do you understand Italian?", "Do you know Chinese?"]),
    ("I know no jokes. I am a very small model.",
     ["Tell me a joke.", "Do you know a joke?", "Make me laugh.", "Say something funny.", "Tell me something funny.", "Another joke"]),
    ("I am sorry to hear that. I hope that it gets better soon.",
     ["I am sad.", "I feel sad today.", "I am tired.", "I feel bad.", "I had a bad day.", "My dog is ill.", "I am ill.",
      "I am lonely.", "I lost my keys.", "My bike is broken.", "I am stressed.", "I failed my exam.", "I have a headache.",
      "I am worried.", "My computer is broken.", "I could not sleep.", "I miss my family.", "Today was awful."]),
    ("That sounds good. I am glad to hear it.",
     ["I am happy.", "I feel good today.", "I had a nice day.", "I passed my exam.", "I won a prize.", "I am on holiday.",
      "I went shopping yesterday and bought a new bicycle.", "I found my keys.", "We won the game.", "I got a new job.",
      "It is my birthday.", "I am going to the beach.", "My sister is visiting me.", "I finished my work.", "I baked a cake.",
      "I had a great dinner.", "The sun is shining.", "I bought a new house.", "I made a new friend."]),
    ("I am not always right. Please check what I say, or install a larger model.",
     ["Are you sure?", "Really?", "Are you certain?", "Is that true?", "Is that right?", "Is this correct?", "Can that be?",
      "Sure?", "Are you sure about that?", "Is that really so?", "Did you make that up?", "Check that again."]),
    ("Yes. Attach a drawn picture or a short film and ask me about it.",
     ["Can you see pictures?", "Can I show you a picture?", "Can I show you a film?", "Can you look at a picture?", "Can you see?",
      "Do you understand pictures?", "Can you watch a film?", "Can I send you a picture?", "Can you look at this film?",
      "Can you see images?", "May I show you a drawing?", "Can you read words in pictures?", "Do you have eyes?",
      "How do I show you a picture?", "How can I give you a film?", "Can you see videos?"]),
    ("Please give me the text and ask me about it.",
     ["Read this document.", "Summarise the document.", "What does the document say?", "Can you read a text?", "Read the text.",
      "Can I give you a text?", "What is in the document?", "Can you read documents?", "What does the text say?", "Answer my text.",
      "Can you answer questions about a text?", "What is the file about?", "Read my file.", "What is in this file?"]),
    ("I know " + listing(list(COLOURS)) + ".",
     ["What colours do you know?", "Which colours do you know?", "Name all colours.", "What colors do you know?", "List the colours."]),
    ("I know " + listing([PLURAL[x] for x in SHAPES]) + ".",
     ["What shapes do you know?", "Which shapes do you know?", "Name all shapes.", "List the shapes.", "Which forms do you know?"]),
    ("Longwave runs models like me on your own machine: you can chat, attach pictures, films and texts, and install larger models.",
     ["How does Longwave work?", "What is this program?", "What does this program do?", "What can I do with Longwave?",
      "What is this app?", "How does this program work?", "What can Longwave do?", "Explain Longwave."]),
    (SEEN,
     ["I am bored.", "I do not know what to ask.", "Let us talk.", "Talk to me.", "Let us talk about {t}.", "I like {t}.",
      "I am thinking about {t}.", "Say something.", "What should we do?", "I have nothing to do.", "I do not understand.",
      "I want to chat.", "Tell me more.", "Interesting.", "Why?", "And then?", "What do you mean?", "I went to work.",
      "I am reading a book.", "I have a meeting.", "My neighbour likes {t}.", "I saw a film about {t}.", "Hm, I do not know."]),
]
# Thanks, goodbyes, praise, blame and assent mean something else, or nothing, behind a greeting; so does another one.
ALONE = [EVERYDAY[i][0] for i in (0, 4, 5, 12, 13, 14)]
POEM_A = ["Write", "Can you write", "Please write", "Could you write", "Compose", "I want you to write", "Write me", "Make", "Create"]
POEM_B = ["a poem", "a story", "an essay", "a letter", "an email", "a song", "a Python program", "some code", "a function",
          "a summary of a book", "a report", "a speech", "a recipe", "a script", "a website", "a shell script", "a limerick",
          "a blog post", "a haiku", "a C program", "a business plan", "a fairy tale"]
TOPICS = ["love", "the sea", "spring", "my cat", "sorting numbers", "work", "history", "a dragon", "my boss", "the moon",
          "friendship", "winter", "a game", "climate", "my holiday", "science", "music", "a robot", "trees", "cooking"]
DO = ["Translate this to German", "Translate 'hello' into French", "Draw a picture of {t}", "Make a picture of {t}",
      "Paint me {t}", "Solve this equation", "Explain quantum physics", "Explain {t} to me", "Summarise the news",
      "Play a song about {t}", "Send an email about {t}", "Open a website", "Set a timer", "Plan my day", "Book a flight",
      "Teach me about {t}", "Give me advice about {t}", "Fix my code", "Debug this program", "Prove a theorem", "Play chess with me",
      "Draw {t}", "Generate an image of {t}", "Can you translate {t} into German", "Translate into French: {t}",
      "Translate this into German: {t}", "Can you translate this into German: good morning",
      "Translate to Spanish: I like {t}", "Translate good night into Italian", "How do you say {t} in French",
      "Help me with my homework", "Please help me with {t}", "Write me something about {t}", "Summarise this: I like {t}", "Summarise this text: My neighbour likes {t}", "Rewrite this: I went to {t}"]
COUNTRIES = """France Germany Spain Italy Japan China Brazil Canada Kenya Egypt India Peru Norway Sweden Poland Greece Turkey
Mexico Chile Cuba Iran Nepal Austria Denmark Finland Ireland Portugal Russia Ukraine Vietnam""".split()
FAMOUS = """Einstein Mozart Napoleon Shakespeare Newton Darwin Picasso Beethoven Cleopatra Caesar Gandhi Galileo Tesla Curie
Bach Goethe Kant Plato Columbus Lincoln Obama Messi Madonna Rembrandt Homer Dante""".split()
WORLD = ["What is the capital of {c}?", "How many people live in {c}?", "Who is the president of {c}?", "Where is {c}?",
         "Who was {f}?", "When was {f} born?", "Who is {f}?", "What did {f} do?", "How high is Mount Everest?",
         "How far away is the moon?", "When did the war end?", "Who won the world cup?", "How tall is the Eiffel Tower?",
         "What is the speed of light?", "Why is the sky blue?", "What is the meaning of life?", "How do planes fly?",
         "Who invented the telephone?", "What is the largest country?", "What is the population of {c}?", "How do I cook rice?",
         "What is {t}?", "Tell me about {t}.", "Tell me about {c}.", "Tell me about {f}.", "What do you think about {t}?",
         "What language do they speak in {c}?", "What is the currency of {c}?", "How old is {f}?", "Who wrote Hamlet?",
         "What is the news?", "How do I fix my car?", "What is the square root of 1764?", "What is 123 times 456?",
         "Who painted the Mona Lisa?", "What is DNA?", "What is a black hole?", "What causes rain?", "Where do lions live?",
         "When was {c} founded?", "What should I eat today?", "How does a computer work?", "What happened in 1989?",
         "Is there life on Mars?", "What is the best film?", "Who is the richest person?", "What is inflation?", "Do you like {t}?"]

# What else people type first: other languages, signs, one key for a while.
OTHER = """Hallo, wer bist du? | Was kannst du? | Wie spät ist es? | Wie heißt die Hauptstadt von Frankreich? | Guten Morgen
| Schreib mir ein Gedicht | Was siehst du auf dem Bild? | Wie viele Kreise sind das? | Danke schön | Erzähl mir einen Witz
| Bonjour, qui es-tu ? | Quelle heure est-il ? | Merci beaucoup | Que vois-tu sur cette image ? | Raconte-moi une histoire
| Hola, ¿qué tal? | ¿Quién eres? | ¿Qué puedes hacer? | Cuéntame un chiste | ¿Qué hay en la imagen? | Muchas gracias
| Ciao, come stai? | Chi sei? | Che cosa vedi? | Che ore sono? | Olá, tudo bem? | Quem é você? | O que você vê?
| Hej, vem är du? | Hvad kan du? | Hei, mitä kuuluu? | Cześć, kim jesteś? | Co widzisz na obrazku? | Dobrý den | Merhaba
| Nasılsın? | Sen kimsin? | Bună ziua | Szia, ki vagy? | Hoi, wie ben je? | Wat zie je op de foto? | Xin chào | Bạn là ai?
| Привет, кто ты? | Что ты умеешь? | Как дела? | Расскажи анекдот | Спасибо | Що ти бачиш? | Γεια σου, ποιος είσαι;
| Τι βλέπεις; | 你好 | 你是谁？ | 你会做什么？ | 今天天气怎么样？ | 图片里有什么？ | 请写一首诗 | 谢谢 | 讲个笑话 | 一共有几个圆？
| こんにちは | あなたは誰ですか？ | 何が見えますか？ | ありがとう | 안녕하세요 | 너는 누구니? | 무엇이 보이니? | שלום | מי אתה? | מה אתה רואה בתמונה?
| مرحبا | من أنت؟ | ماذا ترى في الصورة؟ | नमस्ते | तुम कौन हो? | สวัสดี | Selam, nasılsın? | Сколько здесь кругов?"""
OTHER = [x.strip() for x in OTHER.replace("\n", " ").split("|")]
EMOJI = "😀😂🤣😍🥰😎🤔😭😡👍👎🙏👏💪🎉🎂❤️💔🔥✨⭐🌈🌞🌙☀️⛄🐶🐱🐭🦊🐻🐼🐨🐯🦁🐸🍎🍕🍔🍟🚗✈️🚀⚽🏀🎸📷💻📱🇩🇪🇫🇷🏳️‍🌈👩‍💻👨‍👩‍👧"
KEYS = "qwertyuiopasdfghjklzxcvbnm1234567890.!?-_#*;:="
SCRIPTS = ((0x4E00, 0x9FA5), (0x0410, 0x044F), (0x05D0, 0x05EA), (0x0627, 0x064A), (0x3041, 0x3096), (0xAC00, 0xD7A3),
           (0x03B1, 0x03C9), (0x0905, 0x0939), (0x0E01, 0x0E2E), (0x1F300, 0x1F64F), (0xC0, 0x17F), (0x2190, 0x22FF))


def strange(r):
    """What it can only be sorry about, or ask back: no English, signs, one word or key again and again."""
    k = r.random()
    n = 1 + int(40 ** r.random())
    if k < 0.35:
        return "chat", pick(r, OTHER), FOREIGN
    if k < 0.6:
        low, high = pick(r, SCRIPTS)
        s = "".join(chr(low + int(r.random() * (high - low + 1))) for _ in range(n))
        if r.random() < 0.3:        # words
            s = " ".join(s[i:i + 4] for i in range(0, len(s), 4))
        return "chat", s, FOREIGN
    if k < 0.75:
        i = int(r.random() * len(EMOJI))
        s = EMOJI[i:i + n] if r.random() < 0.5 else "".join(pick(r, EMOJI) for _ in range(n))
        return "chat", s * (1 + int(r.random() ** 2 * 6)), FOREIGN
    if k < 0.87:
        w = pick(r, COMMON) if r.random() < 0.6 else word(r, False) if r.random() < 0.6 else pick(r, KEYS)
        joint = pick(r, (" ", " ", "\n", ", ", "" if len(w) == 1 else " "))
        return "chat", joint.join([w] * (3 + int(120 ** r.random()))), UNCLEAR
    if k < 0.94:        # keys
        low = int(r.random() * (len(KEYS) - 10))
        return "chat", "".join(pick(r, KEYS[low:low + 10] + "  ") for _ in range(4 + n)).strip() or "x", UNCLEAR
    return "chat", " ".join(str(int(10 ** (5 * r.random()))) for _ in range(2 + n // 3)), UNCLEAR


def casual(r, q):
    k = r.random()
    if k < 0.12:
        q = q[0].lower() + q[1:]
    if r.random() < 0.10 and q[-1] in "?.!":
        q = q[:-1]
    if r.random() < 0.03:
        q = q + " please"
    return q


TYPED = {" are ": " r ", " you": " u", "What is ": "whats ", "What's ": "whats ", "Do you": "do u", " your ": " ur ", "please": "pls",
         "cannot": "cant", "n't": "nt", "I am ": "im ", "I ": "i ", "Thank": "thank", "something": "smth", " to ": " 2 "}


def typed(r, q):
    """As people type who are in a hurry: for turns in which no name is said."""
    k = r.random()
    if k < 0.12:
        for x, y in TYPED.items():
            if r.random() < 0.5:
                q = q.replace(x, y)
        q = q.lower()
    elif k < 0.22:
        q = q.lower()
    if r.random() < 0.08:
        q = q.rstrip("?.!") + pick(r, ("", "??", "!!", "...", " ?", "?!", "!"))
    return q


LEADS = ["Hello, ", "Hi, ", "Hi! ", "Hey, ", "Please tell me: ", "OK, ", "So, ", "Well, ", "Tell me, ", "Thanks. ", "Good. ",
         "Hello! ", "Good morning. ", "One question: ", "Now, ", "And ", "Excuse me, ", "Dear Longwave, "]
NOUNS = [w for w in COMMON if w in set(THINGS + ANIMALS) or w in """ape apple ball band bank bath beach bed bee book boot bottle bridge
bread bus butter button cake camera candle car carpet carrot castle cave chain chair cheese church clock cloud coat coffee coin computer
corn cow crown cup desk dish doctor dog doll door dragon dress drum duck eagle egg engine farm fence fire fish flag flower fly forest fork
fox friend frog fruit game garden gate gift giraffe glass glove goat grape guitar hammer hat hawk heart helmet hen hill honey horse hotel
house island jacket jam jar juice kettle key king kite knife ladder lake lamp lawn leaf lemon letter lion lizard lock magnet map market
mask meal melon milk mill mirror money monkey moon mountain mouse museum nail needle nest net nurse nut oak ocean onion orange oven owl
page paint panda paper park parrot path peach pear pen pencil pepper piano pie pig pillow pilot pipe pizza planet plant plate plum pocket
pony pool potato prince puppy queen rabbit radio rain ring river road robot rocket roof room rope rose saddle salad salt sand school sea
seed shark sheep shell ship shirt shoe shop silk sister skirt sky snail snow soap sofa song soup spider spoon stamp star station stone
store storm stove street sugar sun swan table tail taxi tea tent ticket tiger toast tomato tooth tower town toy train tree truck tulip
tunnel turkey turtle uncle valley violin wagon wall wallet watch water wave whale wheel wind window wolf wood wool zebra""".split()]
VERBS = """build buy clean cook cut draw find fix grow hold keep make mend move open paint plant sell use wash wear""".split()
LIKES = """big old red fast loud small good long soft heavy cheap famous dangerous useful beautiful strange important expensive""".split()
UNKNOWN = ["Why is the {n} so {a}?", "How do I {v} {an}?", "Where can I buy {an}?", "What is {an}?", "Can {an} fly?",
           "Who invented the {n}?", "How much does {an} cost?", "When was the first {n} made?", "What is the best {n}?",
           "Which {n} should I buy?", "Is {an} {a}?", "Why do people {v} {an}?", "How long does {an} live?", "What does {an} eat?",
           "What can I do with {an}?", "Where does the {n} come from?", "How does {an} work?", "How big is {an}?",
           "What is the history of the {n}?", "Should I {v} my {n}?", "Why are {n}s {a}?", "How many {n}s are there in the world?",
           "What do you know about the {n}?", "What is the difference between {an} and {am}?", "Is {an} better than {am}?",
           "How can I {v} the {n} without {am}?", "What does {n} mean?", "What is {n} in French?", "Who was the first to {v} {an}?"]
PAST = """bought built cleaned cooked cut found fixed saw sold used washed painted lost opened made wanted forgot took moved
needed liked""".split()
WHEN = ["", "", " today", " yesterday", " last week", " this morning", " in the garden", " with my friend", " in the city", " at home",
        " on Sunday", " for my sister", " again", " at work"]
STATED = ["I {p} {an}{w}.", "I {p} the {n}{w}.", "We {p} {an} and {am}{w}.", "My friend {p} my {n}{w}.", "The {n} is {a}.",
          "There is {an} in the {m}.", "This {n} is {a}.", "I want to {v} {an}{w}.", "I need {an}.", "I like my {n}.",
          "The {n} was {a}{w}.", "My {n} is very {a}.", "I have to {v} the {n}{w}.", "{An} is {a}.", "They {p} the {n}{w}."]


def unknown(r):
    """A question or a statement of a form of its own, about anything."""
    n, m = r.sample(NOUNS, 2)
    given = dict(n=n, m=m, an=article(n), An=article(n).capitalize(), am=article(m), v=pick(r, VERBS), a=pick(r, LIKES), p=pick(r, PAST), w=pick(r, WHEN))
    if r.random() < 0.6:
        return "chat", pick(r, UNKNOWN).format(**given), NOT_KNOWN
    return "chat", pick(r, STATED).format(**given), SEEN


NAMES = ["Peter", "Anna", "Maria", "John", "Lena", "Tom", "Li", "Omar", "Sam", "Max", "Rex", "Luna", "Eva", "Paul"]
KIN = "brother sister friend son daughter wife husband mother father boss teacher neighbour aunt uncle doctor".split()
ROOMS = "kitchen garden office bedroom bathroom cellar garage drawer bag car hall box".split()


def any_name(r, held):
    return name(r, held) if r.random() < 0.7 else pick(r, NAMES)


def told(r, held):
    """Something that somebody says of himself: (what, how it is said, how it is asked, the answer)."""
    k = int(r.random() * 11)
    if k == 0:
        what, of = pick(r, (("colour", TCOL), ("food", FOODS), ("animal", ANIMALS), ("city", CITIES), ("number", range(1, 100)),
                            ("day", DAYS), ("month", MONTHS), ("color", TCOL), ("word", COMMON), ("thing", THINGS)))
        v = pick(r, of)
        return what, ("My favourite %s is %s." % (what, v),), ("What is my favourite %s?" % what, "Which %s do I like most?" % what), \
            "Your favourite %s is %s." % (what, v)
    if k == 1:
        v = pick(r, CITIES)
        return k, ("I live in %s." % v, "I am from %s." % v, "My home is in %s." % v), \
            ("Where do I live?", "In which city do I live?", "Where is my home?"), "You live in %s." % v
    if k == 2:
        v = 5 + int(r.random() * 85)
        return k, ("I am %d years old." % v, "I'm %d years old." % v, "My age is %d." % v), ("How old am I?", "What is my age?"), \
            "You are %d years old." % v
    if k == 3:
        v = article(pick(r, JOBS))
        return k, ("I am %s." % v, "I work as %s." % v, "I'm %s." % v), ("What is my job?", "What do I do?", "What do I work as?"), \
            "You are %s." % v
    if k in (4, 5):
        who, v = pick(r, ANIMALS + KIN), any_name(r, held)
        return who, ("My %s is called %s." % (who, v), "My %s's name is %s." % (who, v), "The name of my %s is %s." % (who, v)), \
            ("What is my %s called?" % who, "What is the name of my %s?" % who, "What is my %s's name?" % who), \
            "Your %s is called %s." % (who, v)
    if k == 6:
        what, v = pick(r, THINGS), pick(r, TCOL)
        return what, ("My %s is %s." % (what, v), "I have %s %s." % (article(v), what)), \
            ("What colour is my %s?" % what, "Which colour is my %s?" % what, "What color is my %s?" % what), "Your %s is %s." % (what, v)
    if k == 7:
        what = pick(r, [x for x in THINGS + ANIMALS if x[-1] not in "shxe" and x not in ("mouse", "goose", "pony")])
        v = pick(r, NUMBERS[2:] + [str(x) for x in range(2, 30)])
        return what + "s", ("I have %s %ss." % (v, what), "I own %s %ss." % (v, what)), ("How many %ss do I have?" % what,), \
            "You have %s %ss." % (v, what)
    if k == 8:
        v = pick(r, MONTHS)
        return k, ("My birthday is in %s." % v, "I was born in %s." % v), ("When is my birthday?", "In which month is my birthday?"), \
            "Your birthday is in %s." % v
    if k == 9:
        what, v = pick(r, EVENTS), pick(r, DAYS)
        return what, ("My %s is on %s." % (what, v), "I have %s on %s." % (article(what), v)), \
            ("When is my %s?" % what, "On which day is my %s?" % what, "What day is my %s?" % what), "Your %s is on %s." % (what, v)
    what, v = pick(r, THINGS), pick(r, ROOMS)
    return what, ("My %s is in the %s." % (what, v), "I left my %s in the %s." % (what, v)), \
        ("Where is my %s?" % what, "Where did I leave my %s?" % what), "Your %s is in the %s." % (what, v)


def called(r, held):
    """The name of who speaks: (the name, how it is said, how it is asked, the answer)."""
    n = any_name(r, held)
    return n, ("My name is %s." % n, "I am %s." % n, "Hello, I am %s." % n, "Hi, my name is %s." % n, "Call me %s." % n,
               "I'm %s." % n, "You can call me %s." % n), \
        ("What is my name?", "Who am I?", "Do you know my name?", "Do you remember my name?", "What's my name?",
         "What did I say my name is?"), "Your name is %s." % n


SAID_LAST = ["What did I just say?", "What did I say?", "What did I say last?", "What was my last message?", "Repeat what I said."]
REMEMBER = ["Remember that {x}", "Please remember: {X}", "Note that {x}", "Do not forget: {X}", "Remember this: {X}", "Please note that {x}"]


def say(r, forms):
    x = pick(r, forms)
    if r.random() < 0.2:
        low = x if x.startswith(("I ", "I'm")) else x[0].lower() + x[1:]
        x = pick(r, REMEMBER).format(x=low, X=x)
    return x


def everyday(r, first=False):
    """first: nothing was said before, so that nothing can have been told."""
    if r.random() < 0.06:
        return strange(r)
    k = r.random()
    if k < 0.46:
        # the greeting and the capabilities are asked most
        i = pick(r, (0, 0, 0, 1, 1, 2, 2, 3)) if r.random() < 0.35 else int(r.random() * len(EVERYDAY))
        a, qs = EVERYDAY[i]
        q = pick(r, qs).format(t=pick(r, TOPICS))
        if a not in ALONE and r.random() < 0.12:
            q = pick(r, LEADS) + (q if q[:2] in ("I ", "I'") else q[0].lower() + q[1:])
    elif k < 0.53:
        q, a = pick(r, POEM_A) + " " + pick(r, POEM_B) + ("" if r.random() < 0.4 else " about " + pick(r, TOPICS)), CANNOT
        q += "?" if q.startswith(("Can", "Could")) else "."
    elif k < 0.60:
        q, a = pick(r, DO).format(t=pick(r, TOPICS)) + ".", CANNOT
    elif k < 0.72:
        q, a = pick(r, WORLD).format(c=pick(r, COUNTRIES), f=pick(r, FAMOUS), t=pick(r, TOPICS)), NOT_KNOWN
    elif k < 0.84 or (k > 0.95 and not first):
        _, q, a = unknown(r)
    elif k < 0.90:      # told and asked at once
        _, said, asked, a = called(r, False) if r.random() < 0.2 else told(r, False)
        return "chat", say(r, said) + pick(r, (" ", " ", "\n")) + pick(r, asked), a
    elif k < 0.95:
        _, said, _, a = told(r, False)
        return "chat", say(r, said), "I see. " + a
    else:               # never told
        if r.random() < 0.1:
            return "chat", typed(r, pick(r, SAID_LAST)), NOT_TOLD
        return "chat", typed(r, pick(r, called(r, False)[2] if r.random() < 0.2 else told(r, False)[2])), NOT_TOLD
    return "chat", typed(r, q), a


def small_talk(r, held):
    """Turns that go together: a name and more that is told and asked for again, what was said last."""
    out, asked, things = [], [], {}
    if r.random() < 0.6:
        n, said, ask, a = called(r, held)
        out.append(("chat", pick(r, said), "Nice to meet you, %s. What would you like to know?" % n))
        asked.append((ask, a))
    for _ in range(int(r.random() * 4) + (not out)):
        what, said, ask, a = told(r, held)
        if what not in things:
            things[what] = True
            out.append(("chat", say(r, said), "I see. " + a))
            asked.append((ask, a))
    for _ in range(int(r.random() * 3)):
        q = everyday(r)
        while "my" in q[1].lower().split() or "I" in q[1].split():      # not what contradicts the rest
            q = everyday(r)
        out.insert(int(r.random() * (len(out) + 1)), q)
    last = out[-1][1]
    if r.random() < 0.3 and len(last) < 90 and "\n" not in last:
        out.append(("chat", pick(r, SAID_LAST), 'You said: "%s"' % last))
    r.shuffle(asked)
    if r.random() < 0.3:
        what, _, ask, _ = told(r, held)
        if what not in things:
            asked.insert(int(r.random() * (len(asked) + 1)), (ask, NOT_TOLD))
    return out + [("chat", pick(r, q), a) for q, a in asked]


def no_picture(r):
    from words import SHAPES
    from scenes import COLOUR_NAMES, PLURAL, WHATQ
    s, c = pick(r, SHAPES), pick(r, COLOUR_NAMES)
    q = pick(r, (pick(r, WHATQ).format(p="the picture", i=pick(r, ("", " in the picture"))), "What colour is the %s?" % s,
                 "How many %s are there in the picture?" % PLURAL[s], "Where is the %s %s?" % (c, s), "What does the picture say?",
                 "Is there a %s in the picture?" % s, "What happens in the film?", "How many shapes are there?",
                 "What shape is %s?" % c, "What is in the second picture?", "Read the text in the picture."))
    return "chat", q, NO_PICTURE
