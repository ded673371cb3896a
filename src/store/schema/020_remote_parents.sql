-- Whether the sender says that the span's parent is of another process; null: stored before this was kept, or not said.
alter table spans add column remote_parent boolean
