using System.Globalization;
using LlmGateway.Configuration.Documents;
using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>Reads <c>gateway_keys.json</c>. Keys themselves never stand there, only their SHA-256.</summary>
internal static class KeysFileReader
{
    private static readonly string[] Periods = ["day", "week", "month"];

    /// <param name="root">The file.</param>
    /// <param name="scope">Takes what is wrong.</param>
    /// <param name="findTicket">Reads a ticket from the variable of that name; it reports by itself.</param>
    public static List<ClientKey> Read(ConfigNode root, DocumentScope scope, Func<string, MemberReader, string?> findTicket)
    {
        var keys = new List<ClientKey>();
        var file = new MemberReader(root, "", scope, ConfigMembers.KeysFile);
        if (file.Node("keys") is not { } list)
        {
            return keys;
        }

        if (list.Kind != ConfigNodeKind.List)
        {
            file.Report("keys", "must be a list of objects");
            return keys;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0; index < list.Items.Count; index++)
        {
            var reader = new MemberReader(list.Items[index], $"keys[{index}]", scope, ConfigMembers.Key);
            if (ReadKey(reader, findTicket) is not { } key)
            {
                continue;
            }

            if (seen.Add(Convert.ToHexStringLower(key.Sha256)))
            {
                keys.Add(key);
            }
            else
            {
                reader.Report("sha256", "is the same as another key's", "Two entries may share a name, not a key.");
            }
        }

        return keys;
    }

    /// <summary>Reads the object that a key is made with at run time.</summary>
    public static ClientKey? ReadMinted(ConfigNode root, byte[] sha256, DocumentScope scope, Func<string, MemberReader, string?> findTicket) =>
        ReadKey(new MemberReader(root, "", scope, ConfigMembers.MintedKey), sha256, findTicket) is { } key ? key with { IsMinted = true } : null;

    private static ClientKey? ReadKey(MemberReader reader, Func<string, MemberReader, string?> findTicket)
    {
        var hash = Required(reader, "sha256", text => text.Length == 64 && text.All(char.IsAsciiHexDigit), "the SHA-256 of the key in hexadecimal, 64 digits");
        return ReadKey(reader, hash is null ? null : Convert.FromHexString(hash), findTicket);
    }

    private static ClientKey? ReadKey(MemberReader reader, byte[]? hash, Func<string, MemberReader, string?> findTicket)
    {
        var name = Required(reader, "name", Names.IsPlain, Names.PlainCaption);
        var notBefore = ReadTime(reader, "not_before");
        var expiresAt = ReadTime(reader, "expires_at");
        if (notBefore >= expiresAt)
        {
            reader.Report("expires_at", "must be later than not_before");
        }

        var ticketEnv = reader.Text("ticket_env", SettingNames.IsVariable, "the name of a variable (A-Z 0-9 _), not the ticket itself");
        var key = new ClientKey
        {
            Name = name ?? "",
            Sha256 = hash ?? [],
            Department = reader.Text("department", text => text.Length is > 0 and <= 128 && !text.Any(char.IsControl), "1 to 128 characters"),
            Ticket = ticketEnv is null ? null : findTicket(ticketEnv, reader),
            UserId = reader.Text("user_id", Names.IsIdentity, Names.IdentityCaption),
            TrustsUserHeader = reader.Flag("user_header") ?? true,
            Agents = ReadSet(reader, "agents"),
            Models = ReadSet(reader, "models"),
            RequestsPerMinute = (int?)reader.Integer("rpm", 1, int.MaxValue),
            TokensPerMinute = reader.Integer("tpm", 1, long.MaxValue),
            MaxConcurrency = (int?)reader.Integer("max_concurrency", 1, int.MaxValue),
            BudgetUsd = reader.Money("budget_usd", 1_000_000_000),
            BudgetPeriod = reader.OneOf("budget_period", Periods),
            NotBefore = notBefore,
            ExpiresAt = expiresAt,
        };
        return name is null || hash is null ? null : key;
    }

    private static string? Required(MemberReader reader, string name, Func<string, bool> isAllowed, string allowed)
    {
        if (reader.Node(name) is null)
        {
            reader.Scope.Report(reader.Line, reader.PathOf(name), "is missing", $"It must be {allowed}.");
            return null;
        }

        return reader.Text(name, isAllowed, allowed);
    }

    /// <summary>Null for "all": left out, or a list that holds <c>*</c>.</summary>
    private static AllowedNames? ReadSet(MemberReader reader, string name)
    {
        var texts = reader.Texts(name);
        return texts is null || texts.Contains("*") ? null : new AllowedNames(texts);
    }

    private static DateTimeOffset? ReadTime(MemberReader reader, string name)
    {
        if (reader.Text(name) is not { } text)
        {
            return null;
        }

        const DateTimeStyles Styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        string[] forms = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"];
        if (DateTimeOffset.TryParseExact(text, forms, CultureInfo.InvariantCulture, Styles, out var time))
        {
            return time;
        }

        reader.Report(name, "must be a time such as 2030-01-31T00:00:00Z");
        return null;
    }
}
