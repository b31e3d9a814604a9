"""Maya searches in everything that was ever written to her."""

import screen

LINE = "Zwölf Äpfel im Café kosten 6 Euro, was kosten sieben?"
# Behind what was found, in both themes (tokens.css: --found).
FOUND = ("ffe38a", "5a4a12")


def run(at):
    """By two letters, without the accents, and to the message."""
    at.writer.say(LINE)
    screen.until("Sam has written", 20, lambda: at.sam.message(at.with_sam, LINE))
    at.open_conversation("Lin Zhao")
    screen.press("ctrl+f")
    at.within("Ctrl+F leads into the search, out of a conversation", 10, lambda: focused(at, "Search"))
    screen.write("zw")
    at.within("two letters find a part of a word", 15, lambda: hit(at))
    at.within("and what was found is marked", 5, lambda: marked(at))
    at.picture("search")
    screen.press("ctrl+f")
    screen.write("apfel cafe")
    at.within("accents need not be typed", 10, lambda: hit(at) and marked(at))
    screen.press("ctrl+f")
    screen.write("zzqy")
    at.within("what is nowhere is said not to be found", 10, lambda: at.says("Nothing found"))
    screen.press("ctrl+f")
    screen.write("kosten sieben")
    screen.press("Return")
    at.within("Enter opens the conversation of the first hit", 10, lambda: at.title().endswith("Sam Rivera – InstantMentor"))
    at.within("and leads to the message", 10, lambda: focused(at, lambda name: name.endswith(f": {LINE}")))
    at.picture("search-led-to")
    read = "SELECT unread FROM membership JOIN person ON person.id = person WHERE role = 'mentor' AND conversation = ?"
    at.within("which the server knows to be read", 10, lambda: at.ask(read, at.with_sam) == [(0,)])
    at.press("Close the search")
    at.within("closed, the search makes room for the conversations", 10, lambda: at.find("New conversation"))


def focused(at, wanted):
    node = at.find(wanted)
    return node and at.access.focused(node)


def hit(at):
    """What was found in the list; the message itself is not on screen."""
    return at.find(lambda name: "Zwölf Äpfel" in name and "Sam Rivera" in name and not name.endswith(f": {LINE}"))


def marked(at):
    """Whether the colour of what was found is inside of it."""
    place = at.access.place(hit(at))
    return any(at.screen.shows(colour, *place) for colour in FOUND)
