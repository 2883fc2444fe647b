package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ordeal/workloads"
	"ordeal/workloads/serve"
)

const (
	// serveAddr is where reports are served by default: to this machine alone.
	serveAddr = "127.0.0.1:7474"
	// serveHeader is how long a browser may take to ask, serveEnd how long what it asked for may take at the end.
	serveHeader, serveEnd = 10 * time.Second, 2 * time.Second
)

func serveCommand() *cobra.Command {
	return command{
		use:   "serve [DIR]",
		short: "Browse the runs of a folder, which is out if none is named",
		examples: `  ordeal serve
  ordeal serve -addr=127.0.0.1:0 nightly/out`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			addr := fs.String("addr", serveAddr, "`address` to listen on; port 0 takes a free one")
			return func(ctx context.Context, args []string) error {
				dir := "out"
				if len(args) > 0 {
					var err error
					if dir, err = oneArgument("serve", "a folder with runs", args); err != nil {
						return err
					}
				}
				return serveRuns(ctx, dir, *addr)
			}
		},
	}.cobra()
}

func serveRuns(ctx context.Context, dir, addr string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return workloads.Usagef("folder %s: %v; want a folder with runs, such as out", dir, err)
	}
	defer root.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return workloads.Usagef("-addr=%s: %v; want an address and a free port, such as %s", addr, err, serveAddr)
	}
	fmt.Printf("runs of %s: http://%s\n", dir, l.Addr())
	server := &http.Server{Handler: serve.Handler(root), ReadHeaderTimeout: serveHeader}
	context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.Background(), serveEnd)
		defer cancel()
		_ = server.Shutdown(end) // what has not been sent by then is not waited for
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return failed(err)
	}
	return nil
}
