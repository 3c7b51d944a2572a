<#
.SYNOPSIS
    Carries out one plan file of the Cookbook, and writes a result file.
.DESCRIPTION
    Per step: read, compare with what the plan expects, set, read again. Stops at the first write that does not stick.
    Only cmdlets and parameters in allowed.json are called, always by splatting; nothing in a plan is ever run as text.
    The plan says what; this file says how, and is short enough to be read before it is trusted.
.EXAMPLE
    ./Invoke-CookbookPlan.ps1 -PlanPath plan.json -ResultPath result.json -CertificateThumbprint 0123...
.EXAMPLE
    ./Invoke-CookbookPlan.ps1 -PlanPath plan.json -ResultPath result.json -Interactive
    By hand, on a Windows desk, with an administrator's role that was activated for the occasion.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $PlanPath,
    [Parameter(Mandatory)] [string] $ResultPath,
    [string] $CertificateThumbprint = $env:GGI_CERTIFICATE_THUMBPRINT,
    [switch] $Interactive
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$Contract = 1

function ConvertTo-Table($Object) {
    # Windows PowerShell 5.1 has no ConvertFrom-Json -AsHashtable, and splatting needs a hashtable.
    $table = @{}
    if ($null -ne $Object) { foreach ($p in $Object.PSObject.Properties) { $table[$p.Name] = $p.Value } }
    return $table
}

function ConvertTo-Plain($Value) {
    # Booleans and whole numbers stay; lists become lists of texts; everything else (enums too) its text.
    if ($null -eq $Value -or $Value -is [bool] -or $Value -is [int] -or $Value -is [long]) { return $Value }
    if ($Value -is [string]) { return $Value }
    if ($Value -is [System.Collections.IEnumerable]) {
        $list = @(foreach ($one in $Value) { [string]$one })
        return , $list
    }
    $text = [string]$Value
    # The allowed domains of federation are one object, which prints as Domain=a,Domain=b.
    if ($text -match '^Domain=') { return , @($text -split ',') }
    return $text
}

function Get-Canonical($Value) {
    # A text in which equal values are equal: lists without order, texts without case.
    if ($Value -is [System.Collections.IEnumerable] -and $Value -isnot [string]) {
        $sorted = @(foreach ($one in $Value) { ([string]$one).ToLowerInvariant() }) | Sort-Object
        return 'list:' + ($sorted -join [char]0)
    }
    if ($null -eq $Value) { return 'null' }
    return ([string]$Value).ToLowerInvariant()
}

function Assert-Allowed($Call) {
    # The catalogue that was reviewed with this file decides; the plan can't widen it.
    $known = $Allowed.PSObject.Properties[$Call.cmdlet]
    if ($null -eq $known) { throw "not allowed: cmdlet $($Call.cmdlet)" }
    foreach ($p in $Call.parameters.PSObject.Properties) {
        if ($known.Value -notcontains $p.Name) { throw "not allowed: parameter $($p.Name) of $($Call.cmdlet)" }
    }
}

function Invoke-Allowed($Call) {
    Assert-Allowed $Call
    $parameters = ConvertTo-Table $Call.parameters
    & $Call.cmdlet @parameters
}

function Read-Step($Step) {
    $found = @()
    foreach ($one in @(Invoke-Allowed $Step.get)) {
        if ($null -eq $one) { continue }
        $name = ''
        if ($Step.key) { $name = ([string]$one.($Step.key)) -replace '^Tag:', '' }
        if ($Step.item -ne '' -and $Step.item -ne '*' -and $name -ne $Step.item) { continue }
        $values = [ordered]@{}
        foreach ($property in $Step.properties) {
            # What the service does not tell is left out, never filled in.
            if ($null -ne $one.PSObject.Properties[$property]) { $values[$property] = ConvertTo-Plain $one.$property }
        }
        $found += , @{ name = $name; values = $values }
    }
    return , $found
}

function Test-Holds($Objects, $Values) {
    if (@($Objects).Count -ne 1) { return $false }
    foreach ($p in $Values.PSObject.Properties) {
        if (-not $Objects[0].values.Contains($p.Name)) { return $false }
        if ((Get-Canonical $Objects[0].values[$p.Name]) -ne (Get-Canonical $p.Value)) { return $false }
    }
    return $true
}

function Get-Kind([string] $Message) {
    if ($Message -match 'application access|app-only|not supported for application') { return 'delegated' }
    if ($Message -match 'access.?denied|unauthorized|forbidden|insufficient|\b40[13]\b') { return 'permission' }
    if ($Message -match 'licen[cs]e') { return 'licence' }
    return 'failed'
}

function Invoke-Step($Step) {
    $result = [ordered]@{ id = $Step.id; outcome = 'failed'; objects = @() }
    try {
        Connect-Once $Step.connection
        try { $result.objects = Read-Step $Step }
        catch { if ($_.Exception.Message -match "couldn't be found|cannot find|not found") { $result.objects = @() } else { throw } }
        if ($null -eq $Step.PSObject.Properties['set']) { $result.outcome = 'read'; return $result }
        if (Test-Holds $result.objects $Step.after) { $result.outcome = 'unchanged'; return $result }
        $missing = @($result.objects).Count -eq 0
        $expected = @($Step.before.PSObject.Properties).Count -eq 0 -or (Test-Holds $result.objects $Step.before)
        if ($Step.creates -ne $missing -or -not ($missing -or $expected)) { $result.outcome = 'moved'; return $result }
        Invoke-Allowed $Step.set | Out-Null
        # Policies take up to a minute to show.
        foreach ($seconds in 0, 2, 5, 15, 40) {
            Start-Sleep -Seconds $seconds
            $result.objects = Read-Step $Step
            if (Test-Holds $result.objects $Step.after) { $result.outcome = 'written'; return $result }
        }
        $result.outcome = 'not stuck'
    }
    catch {
        $message = [string]$_.Exception.Message
        $result.outcome = 'failed'
        $result.error = @{ kind = (Get-Kind $message); message = $message }
    }
    return $result
}

function Connect-Once([string] $Name) {
    if ($Connected.ContainsKey($Name)) { return }
    $app = @{}
    switch ($Name) {
        'teams' {
            if (-not $Interactive) { $app = @{ TenantId = $Plan.tenant.directory; ApplicationId = $Plan.tenant.client; CertificateThumbprint = $CertificateThumbprint } }
            Connect-MicrosoftTeams @app | Out-Null
        }
        'exchange' {
            if (-not $Interactive) { $app = @{ Organization = $Plan.tenant.domain; AppId = $Plan.tenant.client; CertificateThumbprint = $CertificateThumbprint } }
            Connect-ExchangeOnline @app -ShowBanner:$false
        }
        'purview' {
            if (-not $Interactive) { $app = @{ Organization = $Plan.tenant.domain; AppId = $Plan.tenant.client; CertificateThumbprint = $CertificateThumbprint } }
            Connect-IPPSSession @app
        }
        'sharepoint' {
            $address = @{ Url = 'https://{0}-admin.sharepoint.com' -f $Plan.tenant.domain.Split('.')[0] }
            if (-not $Interactive) { $app = @{ ClientId = $Plan.tenant.client; TenantId = $Plan.tenant.directory; CertificateThumbprint = $CertificateThumbprint } }
            Connect-SPOService @address @app
        }
        default { throw "not allowed: connection $Name" }
    }
    $Connected[$Name] = $true
}

$Plan = Get-Content -LiteralPath $PlanPath -Raw -Encoding UTF8 | ConvertFrom-Json
if ($Plan.contract -ne $Contract) { throw "this runner knows contract $Contract, the plan has $($Plan.contract)" }
$Allowed = Get-Content -LiteralPath (Join-Path $PSScriptRoot 'allowed.json') -Raw -Encoding UTF8 | ConvertFrom-Json
$Connected = @{}
# Everything is looked at before anything is done.
foreach ($step in $Plan.steps) {
    Assert-Allowed $step.get
    if ($null -ne $step.PSObject.Properties['set']) { Assert-Allowed $step.set }
}

$results = @()
$stopped = $false
foreach ($step in $Plan.steps) {
    if ($stopped) { $results += , [ordered]@{ id = $step.id; outcome = 'not run'; objects = @() }; continue }
    $one = Invoke-Step $step
    $results += , $one
    if ($Plan.mode -eq 'apply' -and $one.outcome -ne 'unchanged' -and $one.outcome -ne 'written') { $stopped = $true }
}

$runner = @{ program = 'PowerShell'; version = [string]$PSVersionTable.PSVersion }
$document = [ordered]@{ contract = $Contract; mode = $Plan.mode; runner = $runner; results = $results }
$document | ConvertTo-Json -Depth 10 | Set-Content -LiteralPath $ResultPath -Encoding UTF8
