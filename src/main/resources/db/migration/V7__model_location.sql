-- The folder in the object store where a model's files lie, too; null where they lie in a home only.
alter table model add column location text;
