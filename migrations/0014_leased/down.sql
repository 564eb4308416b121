-- Going back is done by restoring a backup, which every migration makes first.
SELECT 1;
