-- The models that a job makes, in the order of its sparsities. Two unfinished jobs never promise the same one.
create table job_output (
    job_id   uuid    not null references job on delete cascade,
    position int     not null,
    model    text    not null,
    reserved boolean not null default true,
    primary key (job_id, position)
);

insert into job_output (job_id, position, model, reserved)
select id, 0, output, state in ('QUEUED', 'RUNNING') from job;

drop index job_output_reserved;
create unique index job_output_reserved on job_output (model) where reserved;

-- A report and numbers for each of them.
alter table job_report add column position int not null default 0;
alter table job_report alter column position drop default;
alter table job_report drop constraint job_report_pkey;
alter table job_report add primary key (job_id, position);

alter table metric add column model text;
update metric m set model = (select output from job j where j.id = m.job_id);
alter table metric alter column model set not null;
