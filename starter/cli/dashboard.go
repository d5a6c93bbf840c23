package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const passwordHelp = `Asks for a password and prints the hash that stands for it in the dashboard's file of
accounts. Where nobody can be asked, the password is read from standard input.`

func (a *app) dashboard() *cobra.Command {
	password := &cobra.Command{
		Use: "password", Short: "Make the hash of a password for the dashboard's accounts", Long: passwordHelp, Args: takes(0, 0),
		Example: "  lockstep dashboard password\n  lockstep dashboard password < password.txt",
		RunE:    func(*cobra.Command, []string) error { return a.hashPassword() },
	}
	return group("dashboard", "The web page", password)
}

func (a *app) hashPassword() error {
	var text string
	var err error
	if a.Terminal {
		if text, err = a.AskSecret("Password"); err != nil {
			return fmt.Errorf("ask for the password: %w", err)
		}
		again, err := a.AskSecret("Again")
		if err != nil {
			return fmt.Errorf("ask for the password: %w", err)
		}
		if again != text {
			return usage("the two are not the same")
		}
	} else {
		line, _ := bufio.NewReader(a.In).ReadString('\n')
		text = strings.TrimRight(line, "\r\n")
	}
	hash, err := a.HashPassword(text)
	if err != nil {
		return usage("%w", err)
	}
	fmt.Fprintln(a.Out, hash)
	return nil
}
