package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A Gerege of one's own, in dev mode: the built program on a free port, stopped at the end.
type server struct {
	issuer string
	folder string
	env    []string
	binary string
	said   bytes.Buffer
	run    *exec.Cmd
}

func start() (*server, error) {
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := held.Addr().(*net.TCPAddr).Port
	held.Close()
	folder, err := os.MkdirTemp("", "gerege-go-")
	if err != nil {
		return nil, err
	}
	s := &server{
		issuer: fmt.Sprintf("http://localhost:%d", port),
		folder: folder,
		binary: os.Getenv("SERVER_BINARY"),
	}
	if s.binary == "" {
		s.binary = filepath.Join("..", "..", "target", "debug", "gerege")
	}
	s.env = append(os.Environ(),
		fmt.Sprintf("GEREGE_LISTEN__ADDRESS=127.0.0.1:%d", port),
		"GEREGE_PUBLIC_URL="+s.issuer,
		"GEREGE_DATA_DIR="+folder,
		"GEREGE_CHECK__KIND=off",
		"GEREGE_PASSWORD__MEMORY_KIB=8",
	)
	s.run = exec.Command(s.binary, "serve", "--dev")
	s.run.Env, s.run.Stdout, s.run.Stderr = s.env, &s.said, &s.said
	if err := s.run.Start(); err != nil {
		return nil, err
	}
	for i := 0; i < 600; i++ {
		answer, err := http.Get(s.issuer + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return s, nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("the server does not start:\n%s", s.said.String())
}

// A command of the operator's; what it prints.
func (s *server) command(words ...string) ([]byte, error) {
	made := exec.Command(s.binary, words...)
	made.Env = s.env
	return made.Output()
}

func (s *server) stop() {
	s.run.Process.Signal(syscall.SIGTERM)
	s.run.Wait()
	os.RemoveAll(s.folder)
}
