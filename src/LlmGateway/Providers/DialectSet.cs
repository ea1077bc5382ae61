using System.Collections.Frozen;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>All dialects by the name that <c>type</c> in the settings refers to; those that know chat alone are lent legacy completions.</summary>
public sealed class DialectSet(IEnumerable<IProviderDialect> dialects)
{
    private readonly FrozenDictionary<string, IProviderDialect> _byName = dialects.ToFrozenDictionary(dialect => dialect.Name, WithCompletions, StringComparer.Ordinal);

    public IReadOnlyCollection<string> Names => _byName.Keys;

    public IProviderDialect this[string name] => _byName[name];

    public bool TryGet(string name, out IProviderDialect? dialect) => _byName.TryGetValue(name, out dialect);

    private static IProviderDialect WithCompletions(IProviderDialect dialect) =>
        dialect.Supports(Operation.Completions) || !dialect.Supports(Operation.ChatCompletions) ? dialect : new CompletionsOverChat(dialect);
}
