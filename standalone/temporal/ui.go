package temporal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/api"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// contentPolicy keeps the pages from fetching anything from other hosts. A
// codec server on this machine may still be asked. It comes on top of the
// pages' own policy for scripts (W3C Content Security Policy 3, section 8.1).
const contentPolicy = "connect-src 'self' http://127.0.0.1:* http://localhost:*; " +
	"img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data:; object-src 'none'"

const headerWithin = 10 * time.Second

// webUI is Temporal's Web UI on a listener of our own. The ui-server module
// offers a complete server too; that one picks up its port itself and ends the
// process when somebody else was quicker.
type webUI struct {
	http    *http.Server
	backend *grpc.ClientConn
}

// startUI serves the Web UI for the server at frontend. It owns the listener.
func startUI(l net.Listener, frontend, namespace string) (*webUI, error) {
	provider, err := config.NewConfigProviderWithRefresh(&config.Config{
		TemporalGRPCAddress: frontend,
		EnableUI:            true,
		DefaultNamespace:    namespace,
		DisableNewsFetch:    true,
		NotifyOnNewVersion:  false,
		HideLogs:            true,
		CORS:                config.CORS{CookieInsecure: true}, // plain HTTP on the loopback address
	})
	if err != nil {
		return nil, fmt.Errorf("configure web ui: %w", err)
	}
	backend, err := api.CreateGRPCConnection(provider)
	if err != nil {
		return nil, fmt.Errorf("connect web ui: %w", err)
	}
	handler, err := uiHandler(provider, backend)
	if err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	w := &webUI{backend: backend, http: &http.Server{
		Handler:           localOnly(handler),
		ReadHeaderTimeout: headerWithin,
		ErrorLog:          log.New(io.Discard, "", 0), // visitors that hang up
	}}
	go func() { _ = w.http.Serve(l) }() // ends with stop
	return w, nil
}

// uiHandler wires the pages and the API that ui-server provides.
func uiHandler(provider *config.ConfigProviderWithRefresh, backend *grpc.ClientConn) (http.Handler, error) {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure(), ownContentOnly,
		csrf.EnsureTokenCookie(false), middleware.CSRFWithConfig(csrf.MiddlewareConfig(provider, false)))
	route.SetHealthRoute(e)

	forward := []api.Middleware{headers.WithForwardHeaders([]string{"Caller-Type"})}
	v1 := e.Group("/api/v1")
	v1.GET("/settings", api.GetSettings(provider))
	v1.GET("/releases", api.GetLatestReleases(provider, api.NewReleaseChecker()))
	v1.GET("/ui-extensions", api.GetUIExtensions(provider, api.TemporalAccessCheck(backend, forward)))
	v1.GET(api.WorkflowRawHistoryUrl, api.WorkflowRawHistoryHandler(workflowservice.NewWorkflowServiceClient(backend)))
	v1.Any("/*", api.TemporalAPIHandler(provider, forward, backend))

	assets, err := ui.Assets()
	if err != nil {
		return nil, fmt.Errorf("open web ui pages: %w", err)
	}
	pages, err := fs.Sub(assets, "local")
	if err != nil {
		return nil, fmt.Errorf("open web ui pages: %w", err)
	}
	if err := route.SetUIRoutes(e, "", pages, provider); err != nil {
		return nil, fmt.Errorf("serve web ui pages: %w", err)
	}
	route.SetRenderRoute(e, "/")
	return e, nil
}

// ownContentOnly adds contentPolicy at the last moment, as the handlers of the
// pages set a header of the same name.
func ownContentOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Before(func() {
			c.Response().Header().Add("Content-Security-Policy", contentPolicy)
		})
		return next(c)
	}
}

// localOnly refuses requests that came here under a foreign name: a page on
// another host can have its name point to the loopback address and would then
// pass for ours (DNS rebinding).
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if !strings.EqualFold(host, "localhost") && !(ip != nil && ip.IsLoopback()) {
			http.Error(w, "this page is only served as localhost or 127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// stop waits for answers under way until ctx ends, then cuts them off.
func (w *webUI) stop(ctx context.Context) error {
	err := w.http.Shutdown(ctx)
	if err != nil {
		err = w.http.Close()
	}
	return errors.Join(err, w.backend.Close())
}
