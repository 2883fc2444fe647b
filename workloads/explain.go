package workloads

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Explain prints what a run would be like that cfg describes, without making it: the families of faults that its seed
// draws and how often they come, every knob with its value, and the schedule of faults as text.
func Explain(cfg Config, w io.Writer) error {
	cfg.Out, cfg.Trace = "", ""
	r := &run{cfg: cfg, progress: func(Progress) {}}
	defer r.close()
	if err := r.prepare(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s seed %d: %d stores, %d replicas, %d regions, %d clients, %v under faults\n", cfg.Workload, cfg.Seed,
		cfg.Stores, cfg.Replicas, cfg.Regions, cfg.Clients, cfg.Duration)
	r.explainFaults(w)
	fmt.Fprintln(w, "\nknobs:")
	eachKnob("", reflect.ValueOf(r.knobs), func(name, value string) { fmt.Fprintf(w, "  %-28s %s\n", name, value) })
	fmt.Fprintf(w, "\nschedule, %d faults:\n", len(r.schedule))
	for _, e := range r.schedule {
		fmt.Fprintf(w, "  %v\n", e)
	}
	return nil
}

// explainFaults prints the families that take part, and the others.
func (r *run) explainFaults(w io.Writer) {
	if len(r.plan.Shares) == 0 {
		fmt.Fprintln(w, "\nno faults are drawn")
		return
	}
	fmt.Fprintf(w, "\nfaults, one in %v on average:\n", r.plan.Gap)
	in := map[string]bool{}
	for _, s := range r.plan.Shares {
		in[s.Family] = true
		fmt.Fprintf(w, "  %-20s %3.0f %%  one in %v\n", s.Family, 100*s.Of, mean(r.plan.Gap, s.Of))
	}
	var out []string
	for _, name := range r.cfg.Nemesis {
		if !in[name] {
			out = append(out, name)
		}
	}
	if len(out) > 0 {
		fmt.Fprintf(w, "not in this run: %s\n", strings.Join(out, ", "))
	}
	for _, why := range r.unavailable {
		fmt.Fprintf(w, "  %s\n", why)
	}
}

// mean is the time between two faults that have a share of all, to the millisecond.
func mean(gap time.Duration, share float64) time.Duration {
	return time.Duration(math.Round(gap.Seconds()/share*1000)) * time.Millisecond
}

// eachKnob calls f for every field of a struct that is no struct itself, under the names that lead to it.
func eachKnob(prefix string, v reflect.Value, f func(name, value string)) {
	for i := range v.NumField() {
		name := prefix + dashed(v.Type().Field(i).Name)
		switch field := v.Field(i); {
		case field.Kind() == reflect.Struct:
			eachKnob(name+".", field, f)
		default:
			f(name, knobText(field))
		}
	}
}

// knobText prints a value as people write it.
func knobText(v reflect.Value) string {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return time.Duration(v.Int()).String()
	case v.Kind() == reflect.Float64:
		return fmt.Sprintf("%.4g", v.Float())
	case v.Kind() == reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, knobText(v.Index(i)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}

// dashed turns a Go name into words joined by hyphens: logBytes is log-bytes.
func dashed(name string) string {
	var b strings.Builder
	for i, c := range name {
		if unicode.IsUpper(c) && i > 0 && !unicode.IsUpper(rune(name[i-1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
