//! What a world's own rules do not let happen: done to it from outside, to see what it makes of it.

use super::World;
use serde_json::json;

impl World {
    /// Our row of a destination is gone, as after a table that was restored from too early.
    pub fn lose_row(&mut self, id: &str) {
        let body = json!({"TableName": self.house.tables.1, "Key": {"destination_id": {"S": id}}});
        let answer = self.database.handle(self.now, "DeleteItem", &body);
        assert_eq!(answer.status, 200, "the row of {id} cannot be deleted");
    }
}
