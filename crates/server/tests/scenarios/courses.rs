//! Who is in a course: as its mentor sees it, by code, by purchase, by hand.

use crate::school::{School, email_of};
use im_protocol::{
    CourseId, ErrorCode, WireError,
    command::Done,
    courses::{AddStudent, CourseCode, Purchase, Purchased, Roster},
    people::{Course, Person, Role},
    rest::{Courses, Enrol},
    sync::Fact,
};

fn code_of<T>(result: Result<T, WireError>) -> ErrorCode {
    result.map(|_| ()).unwrap_err().code
}

async fn algebra(school: &School) -> CourseId {
    let token = school.sign_in("Maya", im_protocol::DeviceId::new()).await;
    let courses: Courses = school.get("/v1/courses", token.token()).await.unwrap();
    courses.courses[0].id
}

#[tokio::test(flavor = "multi_thread")]
async fn maya_sees_who_is_in_her_course_and_nobody_else_does() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let ben = school.person("Ben", Role::Mentor).await;
    let ada = school.person("Ada", Role::Admin).await;
    school.person("Lin", Role::Student).await;
    let course = algebra(&school).await;
    let path = format!("/v1/courses/{course}");
    let roster: Roster = school.get(&path, maya.token()).await.unwrap();
    assert_eq!(roster.code.as_deref(), Some("ALG"));
    assert_eq!(roster.students.len(), 1);
    for stranger in [&sam, &ben] {
        let no = school.get::<Roster>(&path, stranger.token()).await;
        assert_eq!(code_of(no), ErrorCode::NotFound);
    }
    for nothing in ["not-an-id".to_owned(), CourseId::new().to_string()] {
        let path = format!("/v1/courses/{nothing}");
        let no = school.get::<Roster>(&path, maya.token()).await;
        assert_eq!(code_of(no), ErrorCode::NotFound);
    }

    // Maya adds Lin, the admin takes Sam out; either twice is as good as once.
    let students = format!("{path}/students");
    let lin = AddStudent {
        email: email_of("Lin"),
    };
    for _ in 0..2 {
        let added: Person = school
            .post(&students, Some(maya.token()), &lin)
            .await
            .unwrap();
        assert_eq!(added.name, "Lin");
    }
    let nobody = AddStudent {
        email: email_of("Ben"),
    };
    let no = school.post::<Person>(&students, Some(maya.token()), &nobody);
    assert_eq!(code_of(no.await), ErrorCode::NotFound);
    let no = school.post::<Person>(&students, Some(ben.token()), &lin);
    assert_eq!(code_of(no.await), ErrorCode::NotFound);
    let sams = format!("{students}/{}", sam.id());
    for _ in 0..2 {
        school.delete::<Done>(&sams, ada.token()).await.unwrap();
    }
    let no = school.delete::<Done>(&sams, sam.token()).await;
    assert_eq!(code_of(no), ErrorCode::NotFound);
    let roster: Roster = school.get(&path, maya.token()).await.unwrap();
    let names: Vec<_> = roster
        .students
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["Lin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_code_lets_in_and_the_old_one_does_not() {
    let school = School::open().await;
    let (maya, sam, _) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let mut desk = school.connect(&maya).await;
    let cursor = desk.sync_from_snapshot().await;
    let course = algebra(&school).await;
    let path = format!("/v1/courses/{course}/code");
    let no = school.post::<CourseCode>(&path, Some(sam.token()), &Done {});
    assert_eq!(code_of(no.await), ErrorCode::NotFound);
    let new: CourseCode = school
        .post(&path, Some(maya.token()), &Done {})
        .await
        .unwrap();
    // The mentor's other devices read it anew.
    let told = |facts: &[Fact]| facts.iter().any(|fact| matches!(fact, Fact::Course(_)));
    desk.facts(cursor, told).await;
    let join = |code: &str| {
        let (school, token, code) = (&school, lin.token(), code.to_owned());
        async move {
            let route = "/v1/courses/enrol";
            school
                .post::<Course>(route, Some(token), &Enrol { code })
                .await
        }
    };
    assert_eq!(code_of(join("ALG").await), ErrorCode::NotFound);
    assert_eq!(join(&new.code).await.unwrap().id, course);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_is_recorded_once_and_enrols() {
    let mut school = School::open().await;
    let (maya, _, _) = school.maya_and_sam().await;
    let lin = school.person("Lin", Role::Student).await;
    let ada = school.person("Ada", Role::Admin).await;
    let course = algebra(&school).await;
    let purchase = |id: &str, name: &str, course| Purchase {
        id: id.into(),
        student_email: email_of(name),
        course,
    };
    let route = "/v1/purchases";
    let lins = purchase("order 7", "Lin", course);
    let no = school.post::<Purchased>(route, Some(maya.token()), &lins);
    assert_eq!(code_of(no.await), ErrorCode::Forbidden);
    let post = |asked: Purchase| {
        let (school, token) = (&school, ada.token());
        async move { school.post::<Purchased>(route, Some(token), &asked).await }
    };
    let (one, two) = tokio::join!(post(lins.clone()), post(lins.clone()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.conversation, two.conversation);
    assert!(one.new != two.new, "recorded once");
    // The same number for somebody else is a mistake that is told.
    let other = post(purchase("order 7", "Sam", course)).await;
    assert_eq!(code_of(other), ErrorCode::IdReused);
    for bad in [
        purchase("", "Lin", course),
        purchase(&"x".repeat(101), "Lin", course),
    ] {
        assert_eq!(code_of(post(bad).await), ErrorCode::Invalid);
    }
    for missing in [
        purchase("order 8", "Nobody", course),
        purchase("order 8", "Maya", course),
        purchase("order 8", "Lin", CourseId::new()),
    ] {
        assert_eq!(code_of(post(missing).await), ErrorCode::NotFound);
    }

    // Taken out since, the same purchase does not bring Lin back; another one does.
    school
        .operator
        .unenrol("ALG", &email_of("Lin"))
        .await
        .unwrap();
    school.restart().await;
    let again = school
        .post::<Purchased>(route, Some(ada.token()), &lins)
        .await
        .unwrap();
    assert!(!again.new && again.conversation == one.conversation);
    let mine: Courses = school.get("/v1/courses", lin.token()).await.unwrap();
    assert!(mine.courses.is_empty());
    let anew = purchase("order 9", "Lin", course);
    school
        .post::<Purchased>(route, Some(ada.token()), &anew)
        .await
        .unwrap();
    let mine: Courses = school.get("/v1/courses", lin.token()).await.unwrap();
    assert_eq!(mine.courses.len(), 1);
}
