package workloads

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"ordeal/checker"
	"ordeal/nemesis"
)

func encodeSummary(s *Summary) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return b.Bytes(), err
}

// ReadSummary reads the summary of a run's folder. Every error is a UsageError that names what is missing or damaged.
func ReadSummary(dir string) (*Summary, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, Usagef("run folder %s does not exist: want a folder that `ordeal run` wrote, such as out/register-1", dir)
	case err != nil:
		return nil, Usagef("run folder %s: %v", dir, err)
	case !info.IsDir():
		return nil, Usagef("run folder %s is a file: want the folder of a run, such as out/register-1", dir)
	}
	file := filepath.Join(dir, SummaryFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Usagef("%s is no run folder: it has no %s", dir, SummaryFile)
	}
	if err != nil {
		return nil, Usagef("%v", err)
	}
	s := &Summary{}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(s); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, Usagef("%s is cut off after %d bytes: want the whole file that the run wrote", file, len(b))
		}
		return nil, Usagef("%s is damaged: %v", file, err)
	}
	switch s.Verdict {
	case checker.OK, checker.FAIL, checker.UNKNOWN, checker.INCONCLUSIVE:
	default:
		return nil, Usagef("%s is damaged: verdict %q is none of OK, FAIL, UNKNOWN, INCONCLUSIVE", file, s.Verdict)
	}
	return s, nil
}

// ReadConfig returns what repeats the run of a folder, its schedule included, and the run's summary. Every error is a
// UsageError. Where the run did not get as far as writing its schedule, Config.Schedule is "" and the seed will give
// the same one again.
func ReadConfig(dir string) (Config, *Summary, error) {
	s, err := ReadSummary(dir)
	if err != nil {
		return Config{}, nil, err
	}
	cfg, err := s.config()
	if err != nil {
		return Config{}, nil, Usagef("%s: %v", filepath.Join(dir, SummaryFile), err)
	}
	file := filepath.Join(dir, ScheduleFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return cfg, s, nil
	}
	if err != nil {
		return Config{}, nil, Usagef("%v", err)
	}
	if _, err := nemesis.ParseSchedule(string(text)); err != nil {
		return Config{}, nil, Usagef("%s: %v", file, err)
	}
	cfg.Schedule = string(text)
	return cfg, s, nil
}

// config checks the recorded flags as if they had been typed.
func (s *Summary) config() (Config, error) {
	opts, err := flagValues{
		workload: s.Workload, nemesis: joinNames(s.Flags.Nemesis), bug: s.Flags.Bug, duration: s.Flags.Duration,
		seed: decimal(s.Seed), seeds: "1", stores: decimal(s.Flags.Stores), replicas: decimal(s.Flags.Replicas),
		regions: decimal(s.Flags.Regions), clients: decimal(s.Flags.Clients), join: decimal(s.Flags.Join), out: DefaultOut,
		luck: decimal(s.Flags.Luck), plain: joinNames(s.Flags.Plain), checker: string(cmp.Or(s.Flags.Checker, checker.Auto)), stream: s.Flags.Stream,
	}.options()
	if err != nil {
		return Config{}, err
	}
	if s.Workload == allNames || opts.ListBugs {
		return Config{}, Usagef("a summary tells of one run: want the name of one workload and of one bug at most")
	}
	return opts.Configs()[0], nil
}
