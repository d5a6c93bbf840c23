package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"lockstep.dev/setup"
)

// composeFile is the part of docker-compose.yml that is checked. Nothing here
// starts a container: what a test cannot see is only that it was never brought
// up.
type composeFile struct {
	Services map[string]struct {
		Image string `yaml:"image"`
		Build struct {
			Context    string `yaml:"context"`
			Dockerfile string `yaml:"dockerfile"`
		} `yaml:"build"`
		Environment map[string]string `yaml:"environment"`
		Ports       []string          `yaml:"ports"`
		Healthcheck struct {
			Test []string `yaml:"test"`
		} `yaml:"healthcheck"`
		Restart   string `yaml:"restart"`
		DependsOn map[string]struct {
			Condition string `yaml:"condition"`
		} `yaml:"depends_on"`
	} `yaml:"services"`
}

func compose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// pinned is a tag that names a version with at least two parts.
func pinned(image string) bool {
	return regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+[\w.-]*$`).MatchString(image)
}

func TestEveryImageIsPinned(t *testing.T) {
	c := compose(t)
	if len(c.Services) < 5 {
		t.Fatalf("services: %d", len(c.Services))
	}
	for name, s := range c.Services {
		if s.Build.Dockerfile == "" && !pinned(s.Image) {
			t.Errorf("%s: the image %q is not pinned to a version", name, s.Image)
		}
	}
	from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(dockerfile(t), -1)
	if len(from) == 0 {
		t.Error("the build file has no FROM")
	}
	for _, f := range from {
		if f[1] != "scratch" && !pinned(f[1]) {
			t.Errorf("Dockerfile: the image %q is not pinned to a version", f[1])
		}
	}
}

// A misspelled variable would silently have no effect.
func TestEveryVariableIsKnownToTheWorker(t *testing.T) {
	list, err := setup.Variables(&config{})
	if err != nil {
		t.Fatal(err)
	}
	set := compose(t).Services["worker"].Environment
	if len(set) == 0 {
		t.Fatal("the worker has no environment")
	}
	for name := range set {
		if !slices.ContainsFunc(list, func(v setup.Variable) bool { return v.Name == name }) {
			t.Errorf("the worker knows no variable %s", name)
		}
	}
}

// What the file tells the worker is what the worker accepts.
func TestTheWorkerAcceptsItsEnvironment(t *testing.T) {
	set := compose(t).Services["worker"].Environment
	for name, value := range set {
		value = strings.ReplaceAll(value, "${POSTGRES_PASSWORD}", "0123456789abcdef")
		if strings.HasPrefix(value, "${LOCKSTEP_KEY:?") {
			value = strings.Repeat("k", 44)
		}
		if strings.Contains(value, "${") {
			t.Errorf("%s: %s stands for something this test does not know", name, value)
		}
		set[name] = value
	}
	environment(t, set)
	cfg, place, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if place.Driver != "postgres" || !strings.Contains(place.DSN, "@postgres:5432/lockstep") || place.Temporal.Host != "temporal:7233" || !cfg.Migrate {
		t.Errorf("%+v", place)
	}
}

func TestNothingIsReachableFromOutside(t *testing.T) {
	for name, s := range compose(t).Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: the port %s is open to the network", name, port)
			}
		}
	}
}

// What goes on running is watched; what only prepares something is waited for.
func TestEveryServiceIsWatched(t *testing.T) {
	c := compose(t)
	for name, s := range c.Services {
		if s.Restart == "unless-stopped" && len(s.Healthcheck.Test) == 0 {
			t.Errorf("%s has no healthcheck", name)
		}
		for other, how := range s.DependsOn {
			on, ok := c.Services[other]
			want := "service_healthy"
			if on.Restart != "unless-stopped" {
				want = "service_completed_successfully"
			}
			if !ok || how.Condition != want {
				t.Errorf("%s depends on %s: %s, want %s", name, other, how.Condition, want)
			}
		}
	}
}

func dockerfile(t *testing.T) string {
	t.Helper()
	build := compose(t).Services["worker"].Build
	text, err := os.ReadFile(filepath.Join("..", build.Context, build.Dockerfile))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The build file's go commands build what its last stage copies.
func TestTheBuildFileBuilds(t *testing.T) {
	text := dockerfile(t)
	commands := regexp.MustCompile(`(?m)^RUN (go build .*)$`).FindAllStringSubmatch(text, -1)
	if len(commands) == 0 {
		t.Fatal("the build file builds nothing")
	}
	out := t.TempDir()
	for _, c := range commands {
		args := strings.Fields(strings.ReplaceAll(c[1], "/out/", out+"/"))
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = ".."
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[1], err, said)
		}
	}
	copied := regexp.MustCompile(`/out/(\S+)`).FindAllStringSubmatch(text[strings.LastIndex(text, "\nFROM "):], -1)
	if len(copied) != len(commands) {
		t.Errorf("copied %d of %d programs", len(copied), len(commands))
	}
	for _, c := range copied {
		if _, err := os.Stat(filepath.Join(out, c[1])); err != nil {
			t.Error(err)
		}
	}
	started := regexp.MustCompile(`ENTRYPOINT \["/usr/local/bin/(\S+)"\]`).FindStringSubmatch(text)
	if started == nil || !slices.ContainsFunc(copied, func(c []string) bool { return c[1] == started[1] }) {
		t.Errorf("what is started was not built: %v", started)
	}
	if watched := compose(t).Services["worker"].Healthcheck.Test[1]; started != nil && watched != "/usr/local/bin/"+started[1] {
		t.Errorf("the healthcheck runs %s", watched)
	}
}
