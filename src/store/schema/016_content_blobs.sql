-- Which images and documents a message names, so that those that no message names any more can be removed. Of the messages
-- that were stored before, `blobs::name_all` finds out.
create table content_blobs (content uhugeint not null, blob uhugeint not null)
