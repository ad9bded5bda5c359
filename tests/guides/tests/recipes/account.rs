//! The password change: on a SQLite file, and on the servers that the environment names.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait};
use waxseal::{Sessions, axum::SignedIn, engine, sea_orm::SeaOrmStore, testing::TestClock};
use waxseal_guides::{error::Error, recipes::account::change_password, user};

use crate::{
    browser::{Browser, builder},
    database::OwnDatabase,
};

#[derive(Clone)]
struct App {
    db: DatabaseConnection,
    store: SeaOrmStore,
}

async fn change(State(app): State<App>, user: SignedIn) -> Result<(), Error> {
    change_password(&app.db, &app.store, &user, 1, "new".into()).await
}

struct SetUp {
    routes: Router,
    sessions: Sessions,
    app: App,
}

fn set_up(db: &DatabaseConnection) -> SetUp {
    let store = SeaOrmStore::new(db.clone());
    let sessions = builder(store.clone(), &TestClock::new()).build().unwrap();
    let app = App { db: db.clone(), store };
    let who = get(async |user: SignedIn| user.subject);
    let routes = Router::new().route("/", who).route("/password", post(change)).with_state(app.clone());
    SetUp { routes, sessions, app }
}

async fn password(app: &App) -> String {
    user::Entity::find_by_id(1).one(&app.db).await.unwrap().unwrap().password_hash
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_renews_this_one() {
    for database in OwnDatabase::of_each_kind("password", "ada", "old").await {
        let set = set_up(&database.db);
        let mut here = Browser::signed_in(set.routes.clone(), &set.sessions, "ada").await;
        let mut there = Browser::signed_in(set.routes.clone(), &set.sessions, "ada").await;
        let mut bob = Browser::signed_in(set.routes, &set.sessions, "bob").await;
        let before = here.clone();
        assert_eq!(here.post("/password").await.0, 200);
        assert_eq!(password(&set.app).await, "new");
        assert_eq!(here.get("/").await.1, "ada");
        assert_eq!(before.clone().get("/").await.0, 401, "the session was renewed");
        assert_eq!(there.get("/").await.0, 401);
        assert_eq!(bob.get("/").await.1, "bob");
        database.remove().await;
    }
}

#[tokio::test]
async fn a_sign_in_that_is_under_way_with_the_old_password_is_refused() {
    for database in OwnDatabase::of_each_kind("under_way", "ada", "old").await {
        let set = set_up(&database.db);
        let mut here = Browser::signed_in(set.routes, &set.sessions, "ada").await;
        // Its password has been checked, and its response is not there yet.
        let under_way = set.sessions.open(&HeaderMap::new());
        under_way.sign_in("ada").unwrap();
        assert_eq!(here.post("/password").await.0, 200);
        let refused = set.sessions.commit(&under_way, StatusCode::OK, &mut HeaderMap::new()).await;
        assert!(matches!(refused, Err(engine::SessionError::SignInOvertaken)), "{refused:?}");
        assert_eq!(set.sessions.list("ada").await.unwrap().len(), 1);
        database.remove().await;
    }
}

#[tokio::test]
async fn where_the_sessions_cannot_be_ended_the_password_stays() {
    let database = OwnDatabase::sqlite("ada", "old").await;
    let set = set_up(&database.db);
    let mut here = Browser::signed_in(set.routes.clone(), &set.sessions, "ada").await;
    let mut there = Browser::signed_in(set.routes, &set.sessions, "ada").await;
    // From now on the database refuses to end a session.
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON waxseal_sessions BEGIN SELECT RAISE(ABORT, 'no'); END";
    set.app.db.execute_unprepared(refuse).await.unwrap();
    assert_eq!(here.post("/password").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(password(&set.app).await, "old", "both happen, or neither");
    set.app.db.execute_unprepared("DROP TRIGGER refuse").await.unwrap();
    assert_eq!(there.get("/").await.1, "ada");
    assert_eq!(here.get("/").await.1, "ada");
}
