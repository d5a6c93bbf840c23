-- When the last of the faults in a row was met (circuit.suspected counts them).
ALTER TABLE circuit ADD COLUMN suspected_at BIGINT NOT NULL DEFAULT 0;
