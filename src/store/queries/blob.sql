-- The bytes of one image or document.
select bytes from blobs where id = $id limit 1
