//! The application's migrations.

use sea_orm_migration::prelude::*;

pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            // Add your own migrations here.
            Box::new(waxseal::sea_orm::Migration),
        ]
    }
}
