using System.Collections.Frozen;
using LlmGateway.Redis;

namespace LlmGateway.Configuration;

/// <summary>Reads <see cref="HostSettings"/>; what is malformed is reported, all of it, and reads as its default.</summary>
public static class HostSettingsReader
{
    private static readonly string[] DatabaseSchemes = ["sqlite:", "postgres://", "postgresql://"];

    public static HostSettings Read(SettingsSource settings, string workingDirectory, ICollection<ConfigProblem> problems)
    {
        var reader = new SettingReader(settings, problems);
        var usual = new LlmDefaults();
        return new HostSettings
        {
            Environment = settings.Environment,
            WorkingDirectory = workingDirectory,
            IsAuthOff = ReadAuth(reader),
            AdminKey = reader.Secret(SettingNames.AdminKey),
            MaxConcurrency = reader.Integer(SettingNames.MaxConcurrency, 2000, 1, 1_000_000),
            Queue = reader.Integer(SettingNames.Queue, 200, 0, 1_000_000),
            MaxBodyBytes = reader.Size(SettingNames.MaxBody, 32L << 20, 1L << 30),
            MaxUploadBytes = reader.Size(SettingNames.MaxUpload, 512L << 20, 1024L << 30),
            AnnounceTime = reader.Seconds(SettingNames.AnnounceSeconds, 3600, allowsZero: true) ?? TimeSpan.Zero,
            DrainTime = reader.Seconds(SettingNames.DrainSeconds, 86_400, allowsZero: true) ?? TimeSpan.FromSeconds(300),
            CorsOrigins = ReadOrigins(reader),
            DatabaseUrl = ReadDatabase(reader),
            RedisUrl = ReadRedis(reader),
            HistoryRetentionDays = reader.Integer(SettingNames.HistoryRetentionDays, 30, 0, 36_500),
            IsDebug = reader.Flag(SettingNames.Debug),
            LogsContent = reader.Flag(SettingNames.LogContent),
            OtlpEndpoint = reader.Url(SettingNames.OtlpTracesEndpoint) ?? reader.Url(SettingNames.OtlpEndpoint),
            OpenTelemetry = SettingNames.OpenTelemetry.Where(name => reader.Text(name) is not null).ToFrozenDictionary(name => name, name => reader.Text(name)!, StringComparer.Ordinal),
            IsInContainer = reader.Flag(SettingNames.InContainer),
            AgentsFile = Locate(reader, ConfigFileKind.Agents, SettingNames.AgentsFile, "config/agent_llm_config.json", workingDirectory),
            SettingsFile = Locate(reader, ConfigFileKind.Settings, SettingNames.SettingsFile, "config/llm_settings.yaml", workingDirectory),
            KeysFile = Locate(reader, ConfigFileKind.Keys, SettingNames.KeysFile, "config/gateway_keys.json", workingDirectory),
            ClientKeys = ReadClientKeys(reader),
            Llm = new LlmDefaults
            {
                InternalBaseUrl = reader.Url(SettingNames.InternalBaseUrl),
                InternalModel = reader.Model(SettingNames.InternalModel),
                Ticket = reader.Identity(SettingNames.InternalTicket),
                SystemName = reader.Identity(SettingNames.InternalSystemName),
                UserId = reader.Identity(SettingNames.UserId),
                UserType = reader.Identity(SettingNames.UserType) ?? usual.UserType,
                OllamaBaseUrl = reader.Url(SettingNames.OllamaBaseUrl) ?? usual.OllamaBaseUrl,
                IsOllamaSet = reader.Text(SettingNames.OllamaBaseUrl) is not null,
                OllamaModel = reader.Model(SettingNames.OllamaModel),
                Timeout = reader.Seconds(SettingNames.Timeout, 86_400, allowsZero: false),
                TotalTimeout = reader.Seconds(SettingNames.TotalTimeout, 86_400, allowsZero: false) ?? usual.TotalTimeout,
                MaxRetries = reader.IntegerOrNull(SettingNames.MaxRetries, 0, 10),
                Temperature = reader.JsonNumber(SettingNames.Temperature, 0, 2),
            },
        };
    }

    private static ConfigFileLocation Locate(SettingReader reader, ConfigFileKind kind, string variable, string usual, string workingDirectory)
    {
        var named = reader.Text(variable);
        var path = named ?? usual;
        return new ConfigFileLocation(kind, Path.GetFullPath(path, workingDirectory), path, variable, named is not null);
    }

    private static bool ReadAuth(SettingReader reader)
    {
        if (reader.Text(SettingNames.Auth)?.Trim() is not { } text)
        {
            return false;
        }

        if (text.Equals("none", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        reader.Report(SettingNames.Auth, "must be none or unset", text);
        return false;
    }

    private static List<string> ReadOrigins(SettingReader reader)
    {
        var origins = new List<string>();
        foreach (var text in Split(reader.Text(SettingNames.CorsOrigins)))
        {
            if (BaseUrls.TryParse(text, out var url, out _) && url.AbsolutePath == "/" && !text.EndsWith('/'))
            {
                origins.Add(text);
            }
            else
            {
                reader.Report(SettingNames.CorsOrigins, "must be a comma-separated list of origins such as https://app.example.com, without path");
            }
        }

        return origins;
    }

    private static string ReadDatabase(SettingReader reader)
    {
        const string Usual = "sqlite:data/gateway.db";
        if (reader.Text(SettingNames.DatabaseUrl)?.Trim() is not { } text)
        {
            return Usual;
        }

        if (DatabaseSchemes.Any(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && text.Length > scheme.Length))
        {
            return text;
        }

        reader.Report(SettingNames.DatabaseUrl, "must be sqlite:FILE or postgres://user:password@host/database");
        return Usual;
    }

    private static string? ReadRedis(SettingReader reader)
    {
        var text = reader.Text(SettingNames.RedisUrl)?.Trim();
        if (text is null || RedisUrl.TryParse(text, out _, out var problem))
        {
            return text;
        }

        reader.Report(SettingNames.RedisUrl, problem!);
        return null;
    }

    private static List<ClientSecret> ReadClientKeys(SettingReader reader)
    {
        var keys = new List<ClientSecret>();
        var position = 0;
        foreach (var pair in Split(reader.Text(SettingNames.ClientKeys)))
        {
            position++;
            var colon = pair.IndexOf(':');
            var name = colon < 0 ? "" : pair[..colon].Trim();
            var key = pair[(colon + 1)..].Trim();
            if (!Names.IsPlain(name) || !Names.IsSecret(key))
            {
                reader.Report(SettingNames.ClientKeys, $"entry {position} is not name:key (name: {Names.PlainCaption}; key: printable ASCII without spaces)");
            }
            else if (keys.Exists(other => other.Key == key))
            {
                reader.Report(SettingNames.ClientKeys, $"entry {position} has the same key as an earlier one");
            }
            else
            {
                keys.Add(new ClientSecret(name, key));
            }
        }

        return keys;
    }

    private static string[] Split(string? text) => text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
