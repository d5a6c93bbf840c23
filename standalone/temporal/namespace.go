package temporal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/serialization"
	persistencesql "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute/sadefs"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// prepareNamespace makes the file hold the configured namespace with its
// retention and search attributes. It works on the file before the server
// starts: the server's services each look at namespaces every few seconds
// only, and would refuse a new search attribute for so long.
func (f *file) prepareNamespace(ctx context.Context, cfg Config) error {
	db, err := persistencesql.NewSQLDB(sqlplugin.DbKindMain, f.sql,
		resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return fmt.Errorf("open temporal file: %w", err)
	}
	defer func() { _ = db.Close() }() // nothing is lost: what counts was committed
	rows, err := db.SelectFromNamespace(ctx, sqlplugin.NamespaceFilter{Name: &cfg.Namespace})
	if errors.Is(err, sql.ErrNoRows) {
		return f.createNamespace(cfg)
	}
	if err != nil {
		return fmt.Errorf("read namespace %s: %w", cfg.Namespace, err)
	}
	return amendNamespace(ctx, db, rows[0], cfg)
}

func (f *file) createNamespace(cfg Config) error {
	made, err := sqlite.NewNamespaceConfig(clusterName, cfg.Namespace, false, nil)
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", cfg.Namespace, err)
	}
	if err := applyNamespace(made.Detail, cfg); err != nil {
		return err
	}
	if err := sqlite.CreateNamespaces(f.sql, made); err != nil {
		return fmt.Errorf("create namespace %s: %w", cfg.Namespace, err)
	}
	return nil
}

// amendNamespace brings an existing namespace up to date.
func amendNamespace(ctx context.Context, db sqlplugin.DB, row sqlplugin.NamespaceRow, cfg Config) error {
	serializer := serialization.NewSerializer()
	encoding, err := enums.EncodingTypeFromString(row.DataEncoding)
	if err != nil {
		return unfit("namespace %s cannot be read: %v", cfg.Namespace, err)
	}
	detail, err := serializer.NamespaceDetailFromBlob(&commonpb.DataBlob{Data: row.Data, EncodingType: encoding})
	if err != nil {
		return unfit("namespace %s cannot be read: %v", cfg.Namespace, err)
	}
	if err := applyNamespace(detail, cfg); err != nil {
		return err
	}
	blob, err := serializer.NamespaceDetailToBlob(detail)
	if err != nil {
		return fmt.Errorf("encode namespace %s: %w", cfg.Namespace, err)
	}
	row.Data, row.DataEncoding = blob.Data, blob.EncodingType.String()
	if _, err := db.UpdateNamespace(ctx, &row); err != nil {
		return fmt.Errorf("write namespace %s: %w", cfg.Namespace, err)
	}
	return nil
}

// applyNamespace sets the retention and gives every wanted search attribute
// one of the columns that the server keeps for its type. Attributes that are
// no longer wanted keep theirs, as workflows may still carry them.
func applyNamespace(detail *persistencespb.NamespaceDetail, cfg Config) error {
	detail.Config.Retention = durationpb.New(cfg.Retention.Round(time.Second))
	aliases := maps.Clone(detail.Config.CustomSearchAttributeAliases)
	if aliases == nil {
		aliases = make(map[string]string)
	}
	columns := sadefs.GetDBIndexSearchAttributes(nil).CustomSearchAttributes
	columnOf := make(map[string]string, len(aliases))
	for column, name := range aliases {
		columnOf[name] = column
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.SearchAttributes)) {
		wanted := cfg.SearchAttributes[name]
		if column, ok := columnOf[name]; ok {
			if columns[column] != wanted {
				return unfit("search attribute %s has type %s in it, now it is %s", name, columns[column], wanted)
			}
			continue
		}
		column, err := freeColumn(columns, aliases, wanted)
		if err != nil {
			return fmt.Errorf("register search attribute %s: %w", name, err)
		}
		aliases[column] = name
	}
	detail.Config.CustomSearchAttributeAliases = aliases
	return nil
}

// freeColumn finds the first column of a type that no attribute has yet.
func freeColumn(columns map[string]enums.IndexedValueType, taken map[string]string, wanted enums.IndexedValueType) (string, error) {
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if _, ok := taken[column]; !ok && columns[column] == wanted {
			return column, nil
		}
	}
	return "", fmt.Errorf("the server has no more columns of type %s", wanted)
}
