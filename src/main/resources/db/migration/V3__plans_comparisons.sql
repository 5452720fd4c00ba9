-- Where to find a measurement without reading weights or texts: a hash of names, sizes and times of the files.
alter table ranking add column alias text;
create index ranking_alias on ranking (alias);
alter table sensitivity_profile add column alias text;
create index sensitivity_profile_alias on sensitivity_profile (alias);

-- Several recipes on one model, each a job of its own.
create table comparison (
    id           uuid primary key,
    submitted_at timestamptz not null
);

create table comparison_recipe (
    comparison_id uuid not null references comparison (id) on delete cascade,
    position      int  not null,
    name          text not null,
    job_id        uuid not null references job (id),
    primary key (comparison_id, position)
);
