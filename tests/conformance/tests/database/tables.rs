//! Two applications in one database, each with a table of its own.

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait, QueryFilter};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use waxseal_http::Sessions;
use waxseal_sea_orm::{Entity, Migration, Migrator, SeaOrmStore, Sweeper, Table};

use waxseal_conformance::{Client, keyring, on_every_database};

on_every_database! {
    two_applications_live_side_by_side
    a_schema_can_be_chosen
}

waxseal_sea_orm::entity!(mod shop_session = "shop_sessions");
waxseal_sea_orm::entity!(mod staff_session = "waxseal_staff"."order");

struct Shop;

#[async_trait::async_trait]
impl MigratorTrait for Shop {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration), Box::new(Migration::for_table(Table::of(shop_session::Entity).unwrap()))]
    }
}

/// A user "1" of each application signs in twice; one is signed out everywhere.
async fn live_side_by_side(db: &DatabaseConnection, shop: &Table) {
    let stores = [SeaOrmStore::new(db.clone()), SeaOrmStore::new(db.clone()).with_table(shop)];
    let [first, second] = stores.map(|store| Sessions::builder(keyring(), store).build().unwrap());
    let mut clients = Vec::new();
    for sessions in [&first, &first, &second, &second] {
        let mut client = Client::new(sessions);
        client.sign_in("1").await.unwrap();
        client.request(async |session| session.insert("a", 1)).await.unwrap();
        clients.push(client);
    }
    clients[3]
        .request(async |session| {
            session.renew();
            Ok(())
        })
        .await
        .unwrap();
    clients[3]
        .request(async |session| {
            session.destroy();
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(first.list("1").await.unwrap().len(), 2);
    assert_eq!(second.list("1").await.unwrap().len(), 1);
    assert_eq!(first.revoke_all("1").await.unwrap(), 2);
    assert_eq!(second.list("1").await.unwrap().len(), 1);
    assert_eq!(clients[0].subject().await.unwrap(), None);
    assert_eq!(clients[2].subject().await.unwrap().as_deref(), Some("1"));
    let store = SeaOrmStore::new(db.clone()).with_table(shop);
    let later = || waxseal_http::Timestamp::from_unix_seconds(1 << 40);
    assert_eq!(Sweeper::new(store).clock(later).sweep().await.unwrap(), 3, "its own rows only: one live, two ended");
}

async fn two_applications_live_side_by_side(db: &DatabaseConnection) {
    let table = Table::of(shop_session::Entity).unwrap();
    // Both ways to make the tables, and one after the other.
    Shop::up(db, None).await.unwrap();
    Migrator::for_table(table.clone()).up(db).await.unwrap();
    live_side_by_side(db, &table).await;
    assert_eq!(shop_session::Entity::find().count(db).await.unwrap(), 0);
    Client::new(&Sessions::builder(keyring(), SeaOrmStore::new(db.clone()).with_table(&table)).build().unwrap())
        .sign_in("ada")
        .await
        .unwrap();
    let ada = shop_session::Entity::find().filter(shop_session::Column::Subject.eq("ada")).one(db).await.unwrap();
    assert_eq!(ada.unwrap().generation, 1);
    assert_eq!(Entity::find().filter(waxseal_sea_orm::Column::Subject.eq("ada")).count(db).await.unwrap(), 0);
    Migrator::for_table(table).down(db).await.unwrap();
    assert!(shop_session::Entity::find().count(db).await.is_err());
    assert!(Entity::find().count(db).await.is_ok());
}

async fn a_schema_can_be_chosen(db: &DatabaseConnection) {
    let table = Table::of(staff_session::Entity).unwrap();
    let (before, after) = match db.get_database_backend() {
        DbBackend::Postgres => ("CREATE SCHEMA IF NOT EXISTS waxseal_staff", "DROP SCHEMA waxseal_staff CASCADE"),
        DbBackend::MySql => ("CREATE DATABASE IF NOT EXISTS waxseal_staff", "DROP DATABASE waxseal_staff"),
        _ => return,
    };
    db.execute_unprepared(before).await.unwrap();
    Migrator::for_table(table.clone()).up(db).await.unwrap();
    Migrator::for_table(table.clone()).up(db).await.unwrap();
    live_side_by_side(db, &table).await;
    assert_eq!(staff_session::Entity::find().count(db).await.unwrap(), 0);
    Migrator::for_table(table).down(db).await.unwrap();
    db.execute_unprepared(after).await.unwrap();
}
