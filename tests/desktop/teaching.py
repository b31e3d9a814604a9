"""Courses: Maya writes to everybody in one; Sam, at the same app in his role, finds his mentor by one."""

import screen
from programs import STUDENT

COURSE = "Rust for Beginners"
WORDS = "No session on Friday"


def to_all(at):
    """One message to a whole course"""
    at.press("People and courses")
    at.within("Maya's courses are listed", 15, lambda: at.find(lambda name: name.startswith(COURSE)))
    at.picture("people")
    at.press(lambda name: name.startswith(COURSE))
    at.within("a course has a page, with its code", 15, lambda: at.says("RUST-1") and at.says("2 students"))
    at.press("Message")
    screen.write(WORDS)
    at.press("Send to 2 students")
    at.within("how many have it is told", 20, lambda: at.says("2 of 2 have it"))
    at.picture("course")
    on_rust = at.robot("sam-reads-rust", "recv", "--from", at.sam_on_rust)
    for robot in (at.lin_reader, on_rust):
        robot.wait("received", 20, text=WORDS)
        got = [one["text"] for one in robot.events("received")].count(WORDS)
        at.check(f"{robot.name}: the robot has it, once", got == 1)
    each = "SELECT conversation FROM message WHERE kind = 'text' AND body = ? ORDER BY 1"
    theirs = sorted([(at.sam_on_rust,), (at.with_lin,)])
    at.check("so has the server, each in their conversation about it", at.ask(each, WORDS) == theirs)


def as_student(at):
    """The same app in Sam's role"""
    at.quit_app()
    at.start("sam", STUDENT)
    at.open_window()
    at.press("People and courses")


    def algebra(name):
        return name.startswith("Algebra II") and "With Maya Lindqvist" in name

    at.within("a student's courses are listed with their mentor", 15, lambda: at.find(algebra))
    at.picture("student-courses")
    at.press(algebra)
    at.within("a course has a page, with its mentor", 15, lambda: at.find("Back to people and courses") and at.says("Mentor"))
    at.check("but not its code", not at.says("ALGEBRA-2"))
    at.picture("student-course")
    at.press("Back to people and courses")
    at.press(f"Chat with the mentor of {COURSE}")
    at.within("'Chat with mentor' opens the conversation about it", 15, lambda: "Maya Lindqvist –" in at.title())
    at.send("Maya Lindqvist", "May I move to Monday?")
    asked = "SELECT conversation FROM message WHERE body = 'May I move to Monday?'"
    at.within("what Sam writes there is in it, once", 15, lambda: at.ask(asked) == [(at.sam_on_rust,)])
    at.picture("student-chat")
