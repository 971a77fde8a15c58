# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk without pictures: short facts with questions, small exercises, everyday turns."""
from words import ANIMALS, CITIES, COMMON, FOODS, JOBS, TCOL, THINGS, name, word
from scenes import article, pick

ME = "I am Longwave Mini, a very small model"
NOT_KNOWN = "I do not know that. I am a very small model that comes with Longwave; a larger model may know it."
NO_PICTURE = "I do not see a picture. Please attach one and ask again."
FOREIGN = "I am sorry, I do not understand that. I am a very small model and speak only simple English."
UNCLEAR = "I am not sure what you mean. What would you like to ask?"
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
      "Good answer.", "You are right.", "Perfect!", "I like you.", "Cool"]),
    ("I am sorry. I am a very small model and I make mistakes.",
     ["That is wrong.", "You are wrong.", "No, that is not right.", "Wrong!", "That is not correct.", "You made a mistake.",
      "This is incorrect.", "Bad answer.", "That's wrong", "You are stupid.", "This is useless.", "You are bad.", "That is false."]),
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
    ("I see. You can show me a drawing, a short film or a text and ask me about it.",
     ["I am bored.", "I do not know what to ask.", "Let us talk.", "Talk to me.", "Let us talk about {t}.", "I like {t}.",
      "I am thinking about {t}.", "Say something.", "What should we do?", "I have nothing to do.", "I do not understand.",
      "I want to chat.", "Tell me more.", "Interesting.", "Really?", "Why?", "And then?", "What do you mean?", "I went to work.",
      "I am reading a book.", "I have a meeting.", "My neighbour likes {t}.", "I saw a film about {t}.", "Hm, I do not know."]),
]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
EVENTS = "meeting party concert game lesson exam picnic wedding market trip film dinner".split()
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
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
      "Summarise this: I like {t}", "Summarise this text: My neighbour likes {t}", "Rewrite this: I went to {t}"]
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


def everyday(r):
    k = r.random()
    if k < 0.08:
        return strange(r)
    k = r.random()
    if k < 0.62:
        # the greeting and the capabilities are asked most
        i = pick(r, (0, 0, 0, 1, 1, 2, 2, 3)) if r.random() < 0.35 else int(r.random() * len(EVERYDAY))
        a, qs = EVERYDAY[i]
        return "chat", pick(r, qs).format(t=pick(r, TOPICS)), a
    if k < 0.70:
        q = pick(r, POEM_A) + " " + pick(r, POEM_B) + ("" if r.random() < 0.4 else " about " + pick(r, TOPICS))
        return "chat", q + ("?" if q.startswith(("Can", "Could")) else "."), CANNOT
    if k < 0.76:
        return "chat", pick(r, DO).format(t=pick(r, TOPICS)) + ".", CANNOT
    return "chat", pick(r, WORLD).format(c=pick(r, COUNTRIES), f=pick(r, FAMOUS), t=pick(r, TOPICS)), NOT_KNOWN


def small_talk(r, held):
    """Turns that go together: a name that is told and asked for again, thanks, goodbye."""
    n = name(r, held) if r.random() < 0.8 else pick(r, ("Peter", "Anna", "Maria", "John", "Lena", "Tom", "Li", "Omar"))
    out = [("chat", pick(r, ("My name is %s.", "I am %s.", "Hello, I am %s.", "Hi, my name is %s.", "Call me %s.")) % n,
            "Nice to meet you, %s. What would you like to know?" % n)]
    for _ in range(int(r.random() * 4)):
        out.append(everyday(r))
    out.append(("chat", pick(r, ("What is my name?", "Who am I?", "Do you know my name?", "Do you remember my name?",
                                 "What did I say my name is?")), "Your name is %s." % n))
    return out


def no_picture(r):
    from words import SHAPES
    from scenes import COLOUR_NAMES, PLURAL, WHATQ
    s, c = pick(r, SHAPES), pick(r, COLOUR_NAMES)
    q = pick(r, (pick(r, WHATQ).format(p="the picture", i=pick(r, ("", " in the picture"))), "What colour is the %s?" % s,
                 "How many %s are there in the picture?" % PLURAL[s], "Where is the %s %s?" % (c, s), "What does the picture say?",
                 "Is there a %s in the picture?" % s, "What happens in the film?", "How many shapes are there?",
                 "What shape is %s?" % c, "What is in the second picture?", "Read the text in the picture."))
    return "chat", q, NO_PICTURE


# --- facts ------------------------------------------------------------------------

class Facts:
    """People who do not exist, and one sentence for each thing that is true of them."""

    def __init__(self, r, n, held):
        self.r, self.held = r, held
        self.names, self.qa, self.lines, self.used = [], [], [], set()
        people = max(1, min(n, 1 + int(r.random() * n)))
        while len(self.names) < people:
            s = name(r, held)
            if s not in self.names:
                self.names.append(s)
        kinds = [self.has, self.lives, self.job, self.likes, self.number, self.age, self.pet, self.code, self.thing,
                 self.event]
        if r.random() < 0.25:
            kinds = [pick(r, kinds)]
        tries = 0
        while len(self.lines) < n and tries < n * 8:
            tries += 1
            pick(r, kinds)()
        order = list(range(len(self.lines)))
        r.shuffle(order)
        self.lines = [self.lines[i] for i in order]

    def once(self, *key):
        if key in self.used:
            return False
        self.used.add(key)
        return True

    def has(self):
        r, p, t = self.r, pick(self.r, self.names), pick(self.r, THINGS)
        if not self.once("has", p, t):
            return
        c = pick(r, TCOL)
        self.lines.append("%s has %s %s." % (p, article(c), t))
        self.qa.append((("What colour is {p}'s {t}?", "Which colour is the {t} of {p}?", "What color is {p}'s {t}?"),
                        dict(p=p, t=t), "%s's %s is %s." % (p, t, c), None))
        if self.once("owner", c, t):
            self.qa.append((("Who has {c} {t}?", "Whose {t} is {d}?"), dict(c=article(c), t=t, d=c),
                            "%s has %s %s." % (p, article(c), t), ("owner", c, t)))

    def lives(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("lives", p):
            return
        c = pick(r, CITIES)
        self.lines.append(pick(r, ("%s lives in %s.", "%s lives in %s.", "%s's home is in %s.")) % (p, c))
        self.qa.append((("Where does {p} live?", "In which city does {p} live?", "Where is {p}'s home?"), dict(p=p),
                        "%s lives in %s." % (p, c), None))
        if self.once("city", c):
            self.qa.append((("Who lives in {c}?",), dict(c=c), "%s lives in %s." % (p, c), ("city", c)))

    def job(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("job", p):
            return
        j = pick(r, JOBS)
        self.lines.append(pick(r, ("%s is %s.", "%s works as %s.")) % (p, article(j)))
        self.qa.append((("What is {p}'s job?", "What does {p} do?", "What does {p} work as?"), dict(p=p),
                        "%s is %s." % (p, article(j)), None))
        if self.once("jobs", j):
            self.qa.append((("Who is the {j}?", "Who is {a}?"), dict(j=j, a=article(j)), "%s is %s." % (p, article(j)), ("jobs", j)))

    def likes(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("likes", p):
            return
        f = pick(r, FOODS)
        self.lines.append(pick(r, ("%s likes %s.", "%s likes to eat %s.", "%s loves %s.")) % (p, f))
        self.qa.append((("What does {p} like?", "What does {p} like to eat?", "Which food does {p} like?"), dict(p=p),
                        "%s likes %s." % (p, f), None))
        if self.once("food", f):
            self.qa.append((("Who likes {f}?",), dict(f=f), "%s likes %s." % (p, f), ("food", f)))

    def number(self):
        r, p, t = self.r, pick(self.r, self.names), pick(self.r, THINGS + ANIMALS)
        if not self.once("has", p, t):
            return
        n = 2 + int(r.random() * 18)
        many = {"fish": "fish", "sheep": "sheep", "goose": "geese", "mouse": "mice", "box": "boxes", "pony": "ponies",
                "violin": "violins"}.get(t, t + "s")
        self.lines.append("%s has %d %s." % (p, n, many))
        self.qa.append((("How many {t} does {p} have?",), dict(p=p, t=many), "%s has %d %s." % (p, n, many), None))

    def age(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("age", p):
            return
        n = 2 + int(r.random() * 88)
        self.lines.append("%s is %d years old." % (p, n))
        self.qa.append((("How old is {p}?", "What is {p}'s age?"), dict(p=p), "%s is %d years old." % (p, n), None))

    def pet(self):
        r, p, t = self.r, pick(self.r, self.names), pick(self.r, ANIMALS)
        if not self.once("pet", p, t):
            return
        n = name(r, self.held)
        self.lines.append("%s's %s is called %s." % (p, t, n))
        self.qa.append((("What is {p}'s {t} called?", "What is the name of {p}'s {t}?"), dict(p=p, t=t),
                        "%s's %s is called %s." % (p, t, n), None))

    def code(self):
        r, p = self.r, pick(self.r, self.names)
        if not self.once("code", p):
            return
        n = "".join(str(int(r.random() * 10)) for _ in range(pick(r, (2, 3, 4, 4, 5))))
        w = pick(r, ("code", "number", "key"))
        self.lines.append("The %s of %s is %s." % (w, p, n))
        self.qa.append((("What is the {w} of {p}?", "What is {p}'s {w}?", "Which {w} does {p} have?"), dict(p=p, w=w),
                        "The %s of %s is %s." % (w, p, n), None))

    def thing(self):
        r, t = self.r, pick(self.r, THINGS)
        if not self.once("thing", t):
            return
        o = pick(r, [x for x in THINGS if x != t])
        prep = pick(r, ("under", "behind", "beside", "near", "above"))
        self.lines.append("The %s is %s the %s." % (t, prep, o))
        self.qa.append((("Where is the {t}?",), dict(t=t), "The %s is %s the %s." % (t, prep, o), None))

    def event(self):
        r, e = self.r, pick(self.r, EVENTS)
        if not self.once("event", e):
            return
        d = pick(r, DAYS)
        self.lines.append("The %s is on %s." % (e, d))
        self.qa.append((("When is the {e}?", "On which day is the {e}?", "What day is the {e}?"), dict(e=e),
                        "The %s is on %s." % (e, d), None))

    def text(self):
        return ("\n" if self.r.random() < 0.15 else " ").join(self.lines)

    def questions(self):
        """All that can be asked, shuffled.  A reverse question is kept only when one person answers it."""
        r, out = self.r, []
        for forms, args, answer, rev in self.qa:
            if rev and rev[0] == "owner" and sum((" %s %s." % (rev[1], rev[2])) in x for x in self.lines) != 1:
                continue
            if rev and rev[0] != "owner" and sum(rev[1] in x.replace(".", " ").split() for x in self.lines) != 1:
                continue
            out.append(("facts", pick(r, forms).format(**args), answer))
        if r.random() < 0.5:
            s = name(r, self.held)
            if s not in self.names:
                out.append(("facts", pick(r, ("Where does %s live?", "What does %s like?", "How old is %s?", "What is %s's job?")) % s,
                            "The text does not say."))
        r.shuffle(out)
        return out


def exercise(r, held):
    k = r.random()
    if k < 0.06:
        n = 3 + int(r.random() ** 1.5 * 28)
        a, how = 1, r.random()
        q = pick(r, ("Count to %s.", "Please count to %s.", "Can you count to %s?", "Count up to %s", "count to %s",
                     "Count from 1 to %s.")) % (NUMBERS[n] if n < len(NUMBERS) and r.random() < 0.4 else n)
        if how > 0.5:
            a = 1 + int(r.random() * 30)
            q = pick(r, ("Count from %d to %d.", "List the numbers from %d to %d.")) % (a, a + n - 1)
        said = [str(a + i) for i in range(n)]
        if how > 0.8:
            q, said = pick(r, ("Count down from %d to %d.", "Count backwards from %d to %d.")) % (a + n - 1, a), said[::-1]
        return "sums", q, ", ".join(said) + "."
    if k < 0.25:
        a, b = int(r.random() * 21), int(r.random() * 21)
        if r.random() < 0.6:
            q = pick(r, ("What is {a} + {b}?", "{a} + {b} = ?", "How much is {a} plus {b}?", "What is {a} plus {b}?", "Add {a} and {b}."))
            return "sums", q.format(a=a, b=b), "%d + %d = %d." % (a, b, a + b)
        a, b = max(a, b), min(a, b)
        q = pick(r, ("What is {a} - {b}?", "{a} - {b} = ?", "How much is {a} minus {b}?", "What is {a} minus {b}?"))
        return "sums", q.format(a=a, b=b), "%d - %d = %d." % (a, b, a - b)
    if k < 0.33:
        a, b = int(r.random() * 100), int(r.random() * 100)
        if a == b:
            b += 1
        return "sums", pick(r, ("Which is larger, {a} or {b}?", "Which number is bigger, {a} or {b}?")).format(a=a, b=b), \
            "%d is larger." % max(a, b)
    if k < 0.40:
        a = int(r.random() * 60)
        if r.random() < 0.5:
            return "sums", pick(r, ("What comes after %d?", "Which number comes after %d?")) % a, "%d comes after %d." % (a + 1, a)
        return "sums", pick(r, ("What comes before %d?", "Which number comes before %d?")) % (a + 1), "%d comes before %d." % (a, a + 1)
    words = []
    n = 2 + int(r.random() * 6)
    while len(words) < n:
        w = word(r, held) if r.random() < 0.4 else pick(r, COMMON)
        if w not in words:
            words.append(w)
    if k < 0.6:
        s = " ".join(words)
        return "copy", pick(r, ("Repeat: %s", "Say: %s", "Repeat after me: %s", "Copy this: %s", "Say this again: %s")) % s, s
    s = ", ".join(words)
    if k < 0.68:
        return "order", pick(r, ("How many words are these: %s?", "Count these words: %s.")) % s, "These are %d words." % n
    if k < 0.84:
        at = int(r.random() * min(n, 5))
        o = ("first", "second", "third", "fourth", "fifth")[at]
        if r.random() < 0.3:
            at, o = n - 1, "last"
        return "order", pick(r, ("What is the {o} word: {s}?", "Which is the {o} word in {s}?")).format(o=o, s=s), \
            "The %s word is %s." % (o, words[at])
    if k < 0.93:
        w = words[0]
        return "copy", pick(r, ("Spell %s.", "How do you spell %s?", "Spell the word %s.")) % w, "-".join(w) + "."
    nums = []
    while len(nums) < 2 + n // 2:
        x = int(r.random() * 50)
        if x not in nums:
            nums.append(x)
    q = ", ".join(map(str, nums))
    return "order", pick(r, ("Sort these numbers: %s.", "Put these numbers in order: %s.")) % q, ", ".join(map(str, sorted(nums))) + "."
