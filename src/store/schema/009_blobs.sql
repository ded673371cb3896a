-- The bytes of images and documents, each once, however often they were sent. `id` is the first half of their SHA-256.
create table blobs (id uhugeint not null, bytes blob using compression uncompressed not null)
