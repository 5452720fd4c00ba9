-- Two submitters may choose the same key; one submitter, or those who need not say who they are, may not use it twice.
-- API processes of the schema before look for a key among all jobs: until they are replaced, they refuse one that two
-- submitters share. Workers do not look at keys.
create unique index job_idempotency on job (idempotency_key, submitted_by) nulls not distinct
    where idempotency_key is not null;
alter table job drop constraint job_idempotency_key_key;
