using System.Collections.Frozen;

namespace LlmGateway.Surfaces;

/// <summary>All client dialects by name.</summary>
public sealed class ClientDialectSet(IEnumerable<IClientDialect> dialects)
{
    private readonly FrozenDictionary<string, IClientDialect> _dialects = dialects.ToFrozenDictionary(dialect => dialect.Name, StringComparer.Ordinal);

    public IClientDialect this[string name] => _dialects[name];
}
